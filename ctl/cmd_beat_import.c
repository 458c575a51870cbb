/* The dump's settings by their old and new names, and its entries, each tried before it is printed.
 */
#include "ctl/cmd_beat_import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "ctl/beat_entry.h"
#include "common/schedule/schedule.h"

/* Celery 3 and Django's names, Celery 4's with a namespace, and without. */
static const char *const schedule_names[] = {"CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE",
                                             "beat_schedule"};
static const char *const timezone_names[] = {"CELERY_TIMEZONE", "timezone"};
static const char *const utc_names[] = {"CELERY_ENABLE_UTC", "enable_utc"};

#define WHY 560 /* an err.text, and what comes before it */

struct import {
    FILE *out;
    char path[200]; /* the file that entries are tried in */
    struct beat_import count;
};

static const json_t *find(const json_t *dump, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *found = json_object_get(dump, names[i]);
        if (found && !json_is_null(found))
            return found;
    }
    return NULL;
}

/* One line of comment, whatever is in the text. */
static void comment(const struct import *i, const char *name, const char *text)
{
    text_print(i->out, "    # %s: %s\n", name, text);
}

static void lose(struct import *i, const char *name, const char *text)
{
    comment(i, name, text);
    i->count.lost++;
}

static void comment_all(const struct import *i, const char *name, const json_t *texts)
{
    size_t n;
    json_t *text;
    json_array_foreach(texts, n, text) {
        comment(i, name, json_string_value(text));
    }
}

/* --- trying -------------------------------------------------------------------------------------
 */

static bool try_file(struct import *i, struct err *e)
{
    const char *folder = getenv("TMPDIR");
    snprintf(i->path, sizeof i->path, "%.150s/meterbeat-import-XXXXXX",
             folder && folder[0] ? folder : "/tmp");
    int fd = mkstemp(i->path);
    if (fd < 0)
        return err_set(e, ERR_RETRY, "no_file", "%s: %s", i->path, strerror(errno));
    (void)close(fd);
    return true;
}

/* Whether settings with this text load, schedule and all; what is wrong goes to why, without the
 * file's name. */
static bool try_text(const struct import *i, const char *text, char why[WHY])
{
    struct settings s = {0};
    struct schedule *schedule = NULL;
    struct err e = {0};
    FILE *f = fopen(i->path, "w");
    bool ok = f && fputs(text, f) >= 0;
    ok = f && fclose(f) == 0 && ok;
    if (!ok)
        (void)err_set(&e, ERR_RETRY, "no_file", "%s", strerror(errno));
    ok = ok && settings_load(i->path, &s, &e) && schedule_new(&s, &schedule, &e);
    schedule_free(schedule);
    settings_free(&s);
    const char *told = e.text;
    size_t len = strlen(i->path);
    if (strncmp(told, i->path, len) == 0) {
        const char *after = strstr(told + len, ": ");
        told = after ? after + 2 : told;
    }
    snprintf(why, WHY, "not carried over: %s", told);
    return ok;
}

static char *entry_text(const struct settings_entry *entry, const char *before, const char *after)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fputs(before, out);
    settings_show_entry(entry, out);
    fputs(after, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory");
}

static bool write_entry(struct import *i, const char *name, const struct beat_entry *b,
                        bool *ret_written, struct err *e)
{
    char why[WHY];
    char *text = entry_text(&b->entry, "schedule = ( ", " );\n");
    if (!text)
        return no_memory(e);
    *ret_written = try_text(i, text, why);
    free(text);
    if (!*ret_written) {
        lose(i, name, why);
        return true;
    }
    comment_all(i, name, b->notes);
    fputs("    ", i->out);
    settings_show_entry(&b->entry, i->out);
    return true;
}

/* An entry, its comments above it; *ret_written when it is among the settings. */
static bool import_entry(struct import *i, const char *name, const json_t *from, bool *ret_written,
                         struct err *e)
{
    CLEANUP(beat_entry_free) struct beat_entry b = {0};
    *ret_written = false;
    if (!beat_entry_read(name, from, &b))
        return no_memory(e);
    comment_all(i, name, b.lost);
    i->count.lost += json_array_size(b.lost);
    return !b.usable || write_entry(i, name, &b, ret_written, e);
}

/* What was written since the last entry: comments, and perhaps the next entry. */
struct chunk {
    FILE *out;
    char *text;
    size_t len;
};

static bool chunk_open(struct chunk *c, struct err *e)
{
    *c = (struct chunk){0};
    c->out = open_memstream(&c->text, &c->len);
    return c->out || no_memory(e);
}

/* Writes it to out, and before it what separates it from the entry before. */
static bool chunk_close(struct chunk *c, const char *before, FILE *out, struct err *e)
{
    bool ok = fclose(c->out) == 0;
    if (ok) { /* settings and comments, of many lines: clean already */
        fputs(before, out);
        fputs(c->text, out);
    }
    free(c->text);
    return ok || no_memory(e);
}

static bool import_next(struct import *i, const char *name, const json_t *from, bool *ret_written,
                        struct err *e)
{
    *ret_written = false;
    if (i->count.entries++ < SETTINGS_MAX_ENTRIES)
        return import_entry(i, name, from, ret_written, e);
    lose(i, name, "not carried over: there are too many entries");
    return true;
}

static bool import_entries(struct import *i, const json_t *entries, struct err *e)
{
    FILE *out = i->out;
    const char *name, *before = "schedule = (\n";
    json_t *from;
    struct chunk chunk;
    bool ok = chunk_open(&chunk, e), any = false, written;
    if (!ok)
        return false;
    json_object_foreach((json_t *)entries, name, from) {
        i->out = chunk.out;
        ok = import_next(i, name, from, &written, e);
        if (!ok)
            break;
        if (!written)
            continue;
        if (!chunk_close(&chunk, before, out, e) || !chunk_open(&chunk, e))
            return false;
        before = ",\n";
        any = true;
    }
    i->out = out;
    ok = chunk_close(&chunk, any ? "\n" : before, out, e) && ok;
    fputs(");\n", out);
    return ok;
}

/* Celery's default is UTC, or with enable_utc off the zone of the machine. */
static bool import_timezone(struct import *i, const json_t *dump, struct err *e)
{
    const json_t *zone = find(dump, timezone_names, ARRAY_LEN(timezone_names));
    const json_t *utc = find(dump, utc_names, ARRAY_LEN(utc_names));
    const char *name = !zone ? "UTC" : json_string_value(zone);
    char text[200], why[WHY];
    if (!zone && json_is_false(utc)) {
        lose(i, "timezone", "left out: enable_utc is off, so beat used the zone of its machine");
        return true;
    }
    json_t *quoted = json_string(name ? name : "");
    char *value = json_dumps(quoted, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(quoted);
    if (!value)
        return no_memory(e);
    snprintf(text, sizeof text, "timezone = %.150s;\n", value);
    free(value);
    if (try_text(i, text, why))
        fputs(text, i->out);
    else
        lose(i, "timezone", why);
    return true;
}

/* What the dump itself could not see: entries of other schedulers. */
static void lose_what_the_dump_lacks(struct import *i, const json_t *dump)
{
    size_t n;
    json_t *text;
    json_array_foreach(json_object_get(dump, "__lost__"), n, text) {
        lose(i, "schedule", json_is_string(text) ? json_string_value(text) : "not carried over");
    }
}

bool beat_import(const json_t *dump, FILE *out, struct beat_import *ret, struct err *e)
{
    struct import i = {.out = out};
    const json_t *entries = find(dump, schedule_names, ARRAY_LEN(schedule_names));
    if (!json_is_object(entries))
        return err_set(e, ERR_REJECT, "bad_dump",
                       "no map named CELERYBEAT_SCHEDULE, CELERY_BEAT_SCHEDULE or beat_schedule");
    if (!try_file(&i, e))
        return false;
    lose_what_the_dump_lacks(&i, dump);
    bool ok = import_timezone(&i, dump, e) && import_entries(&i, entries, e);
    (void)unlink(i.path);
    *ret = i.count;
    return ok;
}
