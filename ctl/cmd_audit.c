/* `audit`: the books held against what KairosDB shows, day by day; what differs is put on the
 * queue. */
#include "ctl/cmd_audit.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/local_task.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "worker/task/arguments.h"
#include "worker/task/local_zone.h"

/* Series read from the database at a time, and days asked of KairosDB at a time. */
#define AUDIT_SERIES 50
#define AUDIT_DAYS 366
#define AUDIT_EVER_S INT64_C(100000000000)

struct request {
    struct ctl *ctl;
    const char *from, *to;
    struct series_question which;
    bool json, repair;
};

static const struct option_row options[] = {
    {"building", "ID", "Only this building's meters", TEXT(which.building_id)},
    {"meter", "ID", "Only this meter (seed_meter.id, as `report` shows it)",
     NUMBER(which.meter_id, 0)},
    {"from", "DATE", "Only days from this one on", TEXT(from)},
    {"to", "DATE", "Only days before this one", TEXT(to)},
    {"repair", NULL, "Put parses of the days that differ on the queue", FLAG(repair)},
    {"json", NULL, "One JSON object a line: one a day that differs, then the total", 'j',
     FLAG(json)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .doc = "Holds the books against what KairosDB shows: readings and costs of each local day of "
           "each series, counts and sums.\v"
           "less: KairosDB lost some; other: as many, another sum; more: points that no books "
           "have.\n"
           "--repair asks the records of those days once more, by workers. What came of a file "
           "read by hand, or of a record that is paused or gone, cannot be asked for: it is said.\n"
           "Exit status: 0 all agree, 1 not all do, or a server failed, 2 wrong usage.",
};

/* One audit, handed from step to step. */
struct audit {
    const struct request *request;
    struct local_task hand;
    struct progress progress;
    struct kairosdb *kairosdb;
    const struct timezone_rules *zone; /* of the series at hand */
    char cost_metric[256];
    struct audit_print print;
    struct audit_tally tally;
    struct series_ledger series[AUDIT_SERIES];
    struct reconciled_day days[AUDIT_DAYS + 2];
    enum backfill backfills[AUDIT_DAYS + 2];
};

/* --- one series
 * ------------------------------------------------------------------------------------------- */

static void audit_count(struct audit_tally *t, enum reconciliation how)
{
    t->less += how == RECONCILED_LESS;
    t->other += how == RECONCILED_OTHER;
    t->more += how == RECONCILED_MORE;
}

static bool audit_differences(struct audit *a, const struct series_ledger *series,
                              const struct series_tags *tags, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (a->days[i].how == RECONCILED_SAME)
            continue;
        const struct audit_row row = {
            .series = series, .tags = tags, .day = &a->days[i], .backfill = a->backfills[i]};
        audit_count(&a->tally, a->days[i].how);
        if (!audit_print_row(&a->print, &row, e))
            return false;
    }
    return true;
}

static bool audit_backfill(struct audit *a, size_t count, struct err *e)
{
    const struct backfill_order order = {
        .task = &a->hand.task, .least = RECONCILED_MORE, .is_manual = true};
    memset(a->backfills, 0, sizeof a->backfills);
    return !a->request->repair ||
           missing_days_enqueue(&order, a->days, count, a->backfills, &a->tally.backfills, e);
}

static bool audit_span(struct audit *a, const struct series_ledger *s,
                       const struct series_tags *tags, int64_t from_s, int64_t to_s, struct err *e)
{
    size_t count = 0;
    const struct reconcile_source source = {.pg = a->hand.task.pg,
                                            .kairosdb = a->kairosdb,
                                            .metric = a->hand.task.settings->kairosdb.measurement,
                                            .cost_metric = a->cost_metric,
                                            .zone = a->zone};
    const struct reconcile_series series = {
        .id = s->id, .tags = tags, .has_cost = s->has_cost, .record_id = s->record_id};
    if (!reconcile_days(&source, &series, from_s, to_s, a->days, ARRAY_LEN(a->days), &count, e) ||
        !audit_backfill(a, count, e))
        return false;
    a->tally.days += (int64_t)count;
    return audit_differences(a, s, tags, count, e);
}

static bool audit_series(struct audit *a, const struct series_ledger *s, struct err *e)
{
    struct series_tags tags;
    if (!series_tags_read(s->tags, &tags, e) ||
        !local_zone_named(a->hand.task.settings, s->time_zone, &a->zone, e))
        return false;
    a->print.zone = a->zone;
    int64_t end_s = timezone_day_start(a->zone, s->last_day_s, 1);
    for (int64_t from_s = s->first_day_s, to_s; from_s < end_s; from_s = to_s) {
        to_s = timezone_day_start(a->zone, from_s, AUDIT_DAYS);
        to_s = to_s < end_s ? to_s : end_s;
        if (!audit_span(a, s, &tags, from_s, to_s, e))
            return err_wrap(e, "series %lld", (long long)s->id);
    }
    a->tally.series++;
    return true;
}

/* --- all of them
 * ------------------------------------------------------------------------------------------ */

static bool audit_page(struct audit *a, struct series_question *q, size_t *ret_count, struct err *e)
{
    if (!series_page(a->hand.task.pg, q, a->series, AUDIT_SERIES, ret_count, e))
        return false;
    for (size_t i = 0; i < *ret_count; i++) {
        if (!audit_series(a, &a->series[i], e))
            return false;
        progress_at(&a->progress, a->tally.series, NULL);
        q->after_id = a->series[i].id;
    }
    return !a->tally.backfills.enqueued || local_task_publish(&a->hand, e);
}

static bool audit_all(struct audit *a, struct err *e)
{
    struct series_question q = a->request->which;
    size_t count = 0;
    if (!series_count(a->hand.task.pg, &q, &a->progress.total, e))
        return false;
    do {
        if (!audit_page(a, &q, &count, e))
            return false;
    } while (count > 0);
    return audit_print_end(&a->print, &a->tally, e);
}

static bool audit_begin(struct audit *a, struct session *session, struct err *e)
{
    const struct settings *s = session->settings;
    snprintf(a->cost_metric, sizeof a->cost_metric, "%s.cost", s->kairosdb.measurement);
    progress_begin(&a->progress, "audit", 0);
    a->print = audit_print_make(a->request->json, a->request->repair, a->zone, &a->progress);
    return local_task_begin(&a->hand, session, &a->progress, e) &&
           kairosdb_open(s, NULL, NULL, &a->kairosdb, e);
}

static void audit_free(struct audit **audit)
{
    struct audit *a = *audit;
    if (!a)
        return;
    progress_clear(&a->progress);
    audit_print_free(&a->print);
    kairosdb_close(a->kairosdb);
    free(a);
}

static int audit_books(const struct request *r, struct timezone_rules *zone)
{
    CLEANUP(session_end) struct session session = {.settings = &r->ctl->settings};
    CLEANUP(audit_free) struct audit *a = calloc(1, sizeof *a);
    struct err e;
    if (!a)
        return CTL_FAILED;
    a->request = r;
    a->zone = zone;
    if (!audit_begin(a, &session, &e) || !audit_all(a, &e)) {
        progress_clear(&a->progress);
        return ctl_fail(&e);
    }
    return a->tally.less + a->tally.other + a->tally.more == 0 ? CTL_OK : CTL_FAILED;
}

/* from and to as days of `zone`; false: it is said. */
static bool audit_dates(struct request *r, const struct timezone_rules *zone)
{
    r->which.to_s = AUDIT_EVER_S;
    if ((r->from && !arguments_time(r->from, zone, &r->which.from_s)) ||
        (r->to && !arguments_time(r->to, zone, &r->which.to_s))) {
        (void)ctl_misused("audit: --from and --to are dates such as 2026-03-01");
        return false;
    }
    if (r->which.from_s >= r->which.to_s) {
        (void)ctl_misused("audit: --from is not before --to");
        return false;
    }
    return true;
}

int audit_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {.ctl = c};
    struct timezone_rules *zone = NULL;
    struct err e;
    int status;
    option_parse(c, &usage, &r, argc, argv);
    if (!ctl_settings(c, &status))
        return status;
    if (!timezone_load(c->settings.local_timezone, &zone, &e))
        return ctl_fail(&e);
    status = audit_dates(&r, zone) ? audit_books(&r, zone) : CTL_MISUSED;
    timezone_free(zone);
    return status;
}
