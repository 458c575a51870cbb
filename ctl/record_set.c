/* `record set`: what a person decides about a record's feed, and what has to be read again for it.
 */
#include "ctl/record_set.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/store/backfill.h"
#include "ctl/local_task.h"
#include "common/espi/correction.h"
#include "worker/task/enqueue.h"
#include "common/espi/units.h"
#include "ctl/cmd_record.h"
#include "ctl/table.h"

/* --- words ----------------------------------------------------------------------------------- */
static bool check_zone(const char *zone, struct err *e)
{
    struct timezone_rules *rules = NULL;
    if (!*zone || strcmp(zone, "feed") == 0)
        return true;
    bool right = timezone_load(zone, &rules, e);
    timezone_free(rules);
    return right;
}

bool record_option_check(const struct record_option *o, struct err *e)
{
    struct units_heat heat;
    struct correction correction;
    const char *registers = o->of[OPTION_REGISTERS], *heat_content = o->of[OPTION_HEAT_CONTENT];
    const struct correction_words words = {.multiplier = o->of[OPTION_MULTIPLIER],
                                           .cost_scale = o->of[OPTION_COST_SCALE],
                                           .shift = o->of[OPTION_SHIFT],
                                           .meter = o->of[OPTION_METER],
                                           .service = o->of[OPTION_SERVICE]};
    if (*registers && strcmp(registers, "deltas") != 0 && strcmp(registers, "differences") != 0)
        return err_set(e, ERR_REJECT, "bad_option",
                       "registers: \"%s\" is neither deltas nor differences", registers);
    return check_zone(o->of[OPTION_TIME_ZONE], e) && correction_read(&words, &correction, e) &&
           (!*heat_content || units_heat_read(heat_content, &heat, e));
}

bool record_option_take(struct record_option *o, const char *word, struct err *e)
{
    size_t len = strcspn(word, "=");
    for (int i = 0; i < RECORD_OPTIONS; i++) {
        const char *name = record_option_name((enum record_option_name)i);
        if (word[len] != '=' || strlen(name) != len || memcmp(name, word, len) != 0)
            continue;
        if (strlen(word + len + 1) >= RECORD_OPTION_TEXT)
            return err_set(e, ERR_REJECT, "bad_option", "%s: too long", name);
        snprintf(o->of[i], RECORD_OPTION_TEXT, "%s", word + len + 1);
        return true;
    }
    return err_set(e, ERR_REJECT, "bad_option",
                   "\"%.60s\": none of time_zone=, heat_content=, registers=, multiplier=, "
                   "cost_scale=, shift=, meter= and service=",
                   word);
}

/* --- what is to be read again ---------------------------------------------------------------- */
struct again {
    struct local_task *hand;
    const struct timezone_rules *zone;
    int64_t record_id;
    struct record_option_stale stale;
    int64_t windows, open; /* enqueued; on the queue already */
};

static bool again_enqueue(struct again *a, int64_t from_s, int64_t to_s, struct err *e)
{
    struct task_context *t = &a->hand->task;
    bool is_open = false, is_new = false;
    const struct child_parse child = {.record_id = a->record_id, .from_s = from_s, .to_s = to_s};
    if (!backfill_is_enqueued(t->pg, a->record_id, from_s, to_s, true, &is_open, e))
        return false;
    a->open += is_open;
    if (is_open)
        return true;
    a->windows++;
    return enqueue_parse(t, &child, &is_new, e);
}

/* From the first day to the end of the last; a window's end may be another zone's noon. */
static bool again_windows(struct again *a, struct err *e)
{
    int days = (int)a->hand->task.settings->feed.window_days;
    int64_t end_s = timezone_day_start(a->zone, a->stale.last_s, 2);
    int64_t from_s = timezone_day_start(a->zone, a->stale.first_s, 0);
    for (int64_t to_s; from_s < end_s; from_s = to_s) {
        to_s = timezone_day_start(a->zone, from_s, days);
        to_s = to_s < end_s ? to_s : end_s;
        if (!again_enqueue(a, from_s, to_s, e))
            return false;
    }
    return true;
}

static bool again_all(struct again *a, enum record_standing *ret_standing, struct err *e)
{
    struct pg *pg = a->hand->task.pg;
    if (!record_option_stale(pg, a->record_id, &a->stale, e) ||
        !record_standing(pg, a->record_id, ret_standing, e))
        return false;
    return a->stale.days == 0 || *ret_standing != RECORD_ASKED || again_windows(a, e);
}

static void again_say(const struct again *a, enum record_standing standing)
{
    if (a->stale.days == 0)
        return;
    text_print(stdout, "%" PRId64 " days are stored as they were read before; ", a->stale.days);
    if (standing == RECORD_IMPORTED)
        text_print(stdout, "import the file again: until then they keep what they have\n");
    else if (standing == RECORD_PAUSED)
        text_print(stdout,
                   "the record is paused: `record resume %" PRId64 "`, then `record set %" PRId64
                   "`: until then they keep what they have\n",
                   a->record_id, a->record_id);
    else
        text_print(stdout,
                   "%" PRId64
                   " windows are put on the queue to read them again%s; `record show %" PRId64
                   "` says how many are left\n",
                   a->windows, a->open > 0 ? " (the others are there already)" : "", a->record_id);
}

/* --- the command ----------------------------------------------------------------------------- */
static void who_am_i(char *out, size_t size)
{
    char host[64] = "";
    const struct passwd *me = getpwuid(getuid());
    (void)gethostname(host, sizeof host - 1);
    snprintf(out, size, "%.64s@%s", me ? me->pw_name : "?", host);
}

static void say_options(int64_t id, const struct record_option *o)
{
    text_print(stdout, "record %" PRId64 ":", id);
    for (int i = 0; i < RECORD_OPTIONS; i++)
        text_print(stdout, " %s=%s", record_option_name((enum record_option_name)i), o->of[i]);
    text_print(stdout, "\n");
}

static bool set_all(struct request *r, const struct record_option *option, struct again *a,
                    struct record_option_effect *ret_effect, enum record_standing *ret_standing,
                    struct err *e)
{
    char who[140];
    struct pg *pg = r->session->pg;
    who_am_i(who, sizeof who);
    bool ok = pg_begin(pg, e) && record_option_set(pg, r->id, option, who, ret_effect, e) &&
              again_all(a, ret_standing, e) && pg_commit(pg, e);
    if (!ok)
        pg_rollback(pg);
    return ok;
}

static int set_and_say(struct request *r, const struct record_option *option)
{
    struct progress progress;
    struct local_task hand;
    struct record_option_effect effect;
    enum record_standing standing = RECORD_GONE;
    struct again again = {.hand = &hand, .zone = r->zone, .record_id = r->id};
    struct err e;
    progress_begin(&progress, "record set", 0);
    if (!local_task_begin(&hand, r->session, &progress, &e) ||
        !set_all(r, option, &again, &effect, &standing, &e))
        return ctl_fail(&e);
    say_options(r->id, option);
    if (effect.is_other_meters)
        text_print(
            stdout,
            "its readings come to other meters from now on; those they had keep what they have, "
            "named \"(superseded)\", and count no more\n");
    again_say(&again, standing);
    if (again.windows > 0 && !local_task_publish(&hand, &e)) {
        (void)err_wrap(&e, "decided, and its windows are promised: a producer will send them");
        return ctl_fail(&e);
    }
    return CTL_OK;
}

int record_set_run(struct request *r)
{
    struct record_option option;
    struct err e;
    if (!record_option_get(r->session->pg, r->id, &option, &e))
        return ctl_fail(&e);
    for (size_t i = 2; i < r->ctl->argument_count; i++)
        if (!record_option_take(&option, r->ctl->arguments[i], &e))
            return ctl_misused("%s", e.text);
    if (!record_option_check(&option, &e))
        return ctl_misused("%s", e.text);
    return set_and_say(r, &option);
}
