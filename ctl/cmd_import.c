/* `import`: Green Button files read by hand, through the steps of a parse, and summed. */
#include "ctl/cmd_import.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/store/schedule_entry.h"
#include "ctl/local_task.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "worker/reconcile/aggregate.h"
#include "common/greenbutton/document.h"
#include "common/greenbutton/feed.h"
#include "common/greenbutton/record_url.h"
#include "ctl/record_set.h"
#include "common/greenbutton/unpack.h"
#include "ctl/table.h"

struct request {
    struct ctl *ctl;
    const char *building_id, *zone, *scope;
    const char *words[RECORD_OPTIONS]; /* NULL: not given */
    struct record_option given;        /* the same; goes before what was decided about a file */
    bool dry_run, json;
};

static const struct option_row options[] = {
    {"building", "ID", "Whose meters they are (needed)", TEXT(building_id)},
    {"zone", "ZONE",
     "Zone of the days and months of new meters, or \"feed\": the one that the file names "
     "(default: local_timezone)",
     TEXT(zone)},
    {"scope", "SUB-ID",
     "The subscription that meters with short ids (\"1\", \"01\") are one in (default: that of the "
     "building's meter of the same id, if it has one)",
     TEXT(scope)},
    {"meter", "NAME", "The meter of readings that the file hangs on no usage point",
     TEXT(words[OPTION_METER])},
    {"service", "electricity|gas|water|...", "What is metered, whatever the file says",
     TEXT(words[OPTION_SERVICE])},
    {"multiplier", "N", "The power of ten of its readings, for the file's",
     TEXT(words[OPTION_MULTIPLIER])},
    {"cost-scale", "0.001", "What a cost of 1 is worth (ESPI: 0.00001)",
     TEXT(words[OPTION_COST_SCALE])},
    {"shift", "SECONDS|milliseconds", "Added to each start; or what starts are in",
     TEXT(words[OPTION_SHIFT])},
    {"dry-run", NULL, "Say what would change, and write nothing", FLAG(dry_run)},
    {"json", NULL, "One JSON object a line", 'j', FLAG(json)},
};

static void check(const struct ctl *c, void *request, const struct argp_state *state)
{
    struct request *r = request;
    (void)c;
    if (!r->building_id)
        argp_error(state, "whose meters? --building ID");
    for (int i = 0; i < RECORD_OPTIONS; i++) {
        if (r->words[i] && strlen(r->words[i]) >= RECORD_OPTION_TEXT)
            argp_error(state, "%.40s...: too long", r->words[i]);
        snprintf(r->given.of[i], RECORD_OPTION_TEXT, "%s", r->words[i] ? r->words[i] : "");
    }
}

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "FILE|URL...",
    .doc =
        "Read Green Button files (XML, also in gzip or ZIP; \"-\": standard input) or URLs into "
        "KairosDB and the books, and sum the months that changed.\v"
        "A file is taken whole or not at all. The same file again changes nothing, nor does one "
        "that a subscription of the building delivers as well.\n"
        "--dry-run compares with what is stored: readings that are new, equal, corrected "
        "(another value), missing (stored within the span of the file, and not in it; they "
        "stay), and the months whose sum would change.\n"
        "Exit status: 0 all files done, 1 not all (also where a file held readings and none could "
        "be stored), or a server failed, 2 wrong usage.",
    .most = SIZE_MAX,
    .none = "which files? \"-\" is standard input",
    .check = check,
};

/* --- one file or URL
 * ---------------------------------------------------------------------------- */

struct source {
    const struct settings *settings;
    struct progress *progress;
    const char *name;
    char shown[RECORD_URL_SHOWN]; /* of a URL; "": a file */
    char path[PATH_MAX];          /* of a file, as the books will have it */
    const struct import_sink *sink;
    struct unpack *unpack; /* of a URL; borrowed */
    int64_t bytes;         /* of a URL, so far */
};

static bool source_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    struct source *s = context;
    char note[40];
    s->bytes += (int64_t)len;
    snprintf(note, sizeof note, "%lld KiB", (long long)s->bytes / 1024);
    progress_at(s->progress, s->progress->done, note);
    return s->sink->bytes(s->sink->context, bytes, len, e);
}

static void source_at(void *context, int64_t read, int64_t size)
{
    struct source *s = context;
    s->progress->total = size;
    progress_at(s->progress, read, NULL);
}

static bool source_should_stop(void *context)
{
    struct source *s = context;
    progress_at(s->progress, s->progress->done, NULL);
    return false;
}

static bool source_next(void *context, struct err *e)
{
    struct source *s = context;
    return s->sink->next(s->sink->context, e);
}

static void source_unread(void *context, const char *name)
{
    struct source *s = context;
    s->sink->unread(s->sink->context, name);
}

static bool source_packed(void *context, const char *bytes, size_t len, struct err *e)
{
    struct source *s = context;
    return unpack_write(s->unpack, bytes, len, e);
}

static bool source_fetch(struct source *s, struct err *e)
{
    const struct unpack_limits limits = {.bytes = s->settings->feed.max_bytes,
                                         .ratio = s->settings->feed.max_ratio};
    const struct unpack_sink documents = {
        .bytes = source_bytes, .next = source_next, .unread = source_unread, .context = s};
    const struct feed_sink sink = {
        .bytes = source_packed, .should_stop = source_should_stop, .context = s};
    struct feed_answer answer = {0};
    const struct feed_request request = {
        .peer = {.url = s->name, .shown = s->shown, .scope = http_record_scope(s->settings)}};
    struct unpack *unpack CLEANUP(unpack_freep) = NULL;
    if (!unpack_open(&limits, &documents, &unpack, e))
        return false;
    s->unpack = unpack;
    return feed_fetch(s->settings, &request, &sink, &answer, e) && unpack_end(unpack, e) &&
           (!answer.is_unchanged ||
            err_set(e, ERR_REJECT, "feed_no_data", "HTTP 304 from %s without a question for it",
                    s->shown));
}

static bool source_read(void *context, const struct import_sink *import_sink, struct err *e)
{
    struct source *s = context;
    s->sink = import_sink;
    if (s->shown[0])
        return source_fetch(s, e);
    const struct document_sink sink = {.bytes = source_bytes,
                                       .next = source_next,
                                       .unread = source_unread,
                                       .at = source_at,
                                       .context = s};
    bool ok = document_read(s->name, s->settings->feed.max_bytes, &sink, e);
    s->progress->total = 0; /* what follows says by itself how far it is */
    return ok;
}

static struct source source_of(const struct settings *settings, const char *name,
                               struct progress *progress)
{
    struct source s = {.settings = settings, .name = name, .progress = progress};
    if (strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0)
        record_url_show(name, "", s.shown);
    else if (strcmp(name, "-") == 0 || !realpath(name, s.path))
        snprintf(s.path, sizeof s.path, "%s", name);
    return s;
}

/* Whoever waits for readings must not take it for done. */
static bool held_nothing(const struct import_result *o, struct err *why)
{
    return err_set(why, ERR_REJECT, "nothing_stored",
                   "it holds readings, and none of them could be stored: outside %" PRId64
                   ", without time %" PRId64 "%s%.150s%s%.150s",
                   o->ingested.counts.outside, o->ingested.counts.unplaced,
                   o->ingested.unresolved[0] ? "; not stored: " : "", o->ingested.unresolved,
                   o->ingested.skipped[0] ? "; not read: " : "", o->ingested.skipped);
}

static bool import_file(const struct request *r, struct local_task *hand,
                        struct import_print *print, const char *name)
{
    struct source source = source_of(hand->session->settings, name, hand->progress);
    bool is_url = source.shown[0];
    const struct import import = {.building_id = r->building_id,
                                  .name = is_url ? source.shown : source.path,
                                  .scope = r->scope,
                                  .zone = r->zone,
                                  .given = &r->given,
                                  .read = source_read,
                                  .context = &source};
    const struct diff_sink sink = {.series = import_print_series, .context = print};
    struct import_result result;
    struct err why, e;
    print->file = is_url ? source.shown : name;
    progress_begin(hand->progress, is_url ? source.shown : basename(name), 0);
    bool ok = pg_ready(hand->task.pg, &why) &&
              (r->dry_run ? import_preview(&hand->task, &import, &sink, &result, &why)
                          : import_perform(&hand->task, &import, &result, &why));
    if (!ok && why.detail[0]) /* who asks by hand is who may read the log */
        snprintf(why.text + strlen(why.text), sizeof why.text - strlen(why.text), " (%s)",
                 why.detail);
    ok = ok && (!result.is_nothing || held_nothing(&result, &why));
    if (!ok && !(is_url && strstr(why.text, source.shown))) /* of what it says so already */
        (void)err_wrap(&why, "%s", is_url ? source.shown : name);
    if (!import_print_file(print, is_url ? source.shown : name, &result, ok ? NULL : &why, &e))
        ok = ctl_fail(&e) == CTL_OK;
    return ok;
}

/* --- the sums
 * ----------------------------------------------------------------------------------- */

static bool import_sum(struct local_task *hand, json_t **ret_sums, struct err *e)
{
    return pg_ready(hand->task.pg, e) &&
           schedule_entry_clock_ms(hand->task.pg, &hand->task.now_ms, e) &&
           aggregate_perform(&hand->task, ret_sums, e);
}

/* What KairosDB lost of what it showed is promised by the way: that has to be sent. */
static int import_sums(const struct request *r, struct local_task *hand, struct import_print *print)
{
    json_t *sums = NULL;
    struct err e;
    progress_begin(hand->progress, "summing", 0);
    hand->message.args = json_pack("[s]", r->building_id);
    bool ok = import_sum(hand, &sums, &e) && import_print_sums(print, r->building_id, sums, &e);
    if (ok && json_integer_value(json_object_get(sums, "repairs")) > 0)
        ok = local_task_publish(hand, &e);
    progress_clear(hand->progress);
    json_decref(hand->message.args);
    hand->message.args = NULL;
    json_decref(sums);
    if (ok)
        return CTL_OK;
    (void)err_wrap(&e, "the files are in, but their months are not summed yet (the next aggregate "
                       "will)");
    return ctl_fail(&e);
}

/* --- the command
 * -------------------------------------------------------------------------------- */

static int import_files(const struct request *r)
{
    CLEANUP(session_end) struct session session = {.settings = &r->ctl->settings};
    struct progress progress;
    struct import_print print = {.json = r->json, .dry_run = r->dry_run, .progress = &progress};
    struct local_task hand;
    struct err e;
    size_t done = 0;
    int status = CTL_OK;
    progress_begin(&progress, "import", 0);
    if (!local_task_begin(&hand, &session, &progress, &e))
        return ctl_fail(&e);
    for (size_t i = 0; i < r->ctl->argument_count; i++)
        done += import_file(r, &hand, &print, r->ctl->arguments[i]);
    progress_clear(&progress);
    if (done > 0 && !r->dry_run)
        status = import_sums(r, &hand, &print);
    return done == r->ctl->argument_count ? status : CTL_FAILED;
}

static bool import_zone_is_known(const struct request *r, struct err *e)
{
    struct timezone_rules *zone = NULL;
    if (!r->zone || strcmp(r->zone, "feed") == 0)
        return true;
    bool ok = timezone_load(r->zone, &zone, e);
    timezone_free(zone);
    return ok;
}

int import_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {.ctl = c};
    struct err e;
    int status;
    option_parse(c, &usage, &r, argc, argv);
    if (!ctl_settings(c, &status))
        return status;
    if (!import_zone_is_known(&r, &e) || !record_option_check(&r.given, &e))
        return ctl_misused("%s", e.text);
    return import_files(&r);
}
