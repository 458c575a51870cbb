/* The aggregate task: sums of local months from KairosDB into seed_timeseries, checked against the
 * ledger. */
#include "worker/reconcile/aggregate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/kairosdb/kairosdb.h"
#include "common/store/month.h"
#include "common/store/series.h"
#include "worker/reconcile/missing_days.h"
#include "worker/task/arguments.h"
#include "worker/task/local_zone.h"

/* Months read, and asked for in one query, at a time. */
#define AGGREGATE_MONTHS 100
/* A month has at most 31 days. */
#define MONTH_DAYS 32

/* One aggregate. */
struct aggregate {
    struct task_context *task;
    struct kairosdb *kairosdb;
    struct task_stop stop;
    char metric[256], cost_metric[256];
    int64_t summed, short_months;
    struct backfill_tally backfills;
};

static void aggregate_free(struct aggregate *a)
{
    kairosdb_close(a->kairosdb);
}

/* --- a stretch of one series' months -----------------------------------------------------------
 */

struct stretch {
    const struct month *months;
    size_t count;
    struct series_tags tags;
    struct kairosdb_bucket values[AGGREGATE_MONTHS], costs[AGGREGATE_MONTHS];
    size_t values_count, costs_count;
};

static bool stretch_ask(struct aggregate *a, struct stretch *s, struct err *e)
{
    struct series_facts facts;
    const struct timezone_rules *zone;
    int64_t from_s = s->months[0].start_s, to_s = s->months[s->count - 1].end_s;
    s->costs_count = 0;
    if (!local_zone_named(a->task->settings, s->months[0].time_zone, &zone, e) ||
        !series_facts(a->task->pg, s->months[0].series_id, &facts, e) ||
        !series_tags_read(facts.tags, &s->tags, e) ||
        !kairosdb_sums(a->kairosdb, a->metric, &s->tags, KAIROSDB_MONTHS, zone, from_s, to_s,
                       s->values, AGGREGATE_MONTHS, &s->values_count, e))
        return false;
    return !s->months[0].has_cost ||
           kairosdb_sums(a->kairosdb, a->cost_metric, &s->tags, KAIROSDB_MONTHS, zone, from_s, to_s,
                         s->costs, AGGREGATE_MONTHS, &s->costs_count, e);
}

static bool aggregate_store(struct aggregate *a, const struct month *m,
                            const struct kairosdb_bucket *value, const struct kairosdb_bucket *cost,
                            struct err *e)
{
    struct pg *pg = a->task->pg;
    const struct month_sum sum = {.reading = value->sum * m->numerator / m->denominator,
                                  .cost = cost->sum,
                                  .has_cost = cost->count > 0};
    /* A month still running is summed as far as it goes and stays dirty: its end is yet to come. So
     * does one written just now: KairosDB may yet lose what it shows, and the next sum would tell.
     */
    bool is_final = m->end_s <= a->task->now_ms / 1000 && m->is_settled;
    bool is_ours = false;
    if (!task_begin(a->task, e) || !month_hold(pg, m, &is_ours, e))
        return false;
    if (is_ours &&
        ((value->count && !month_write(pg, m, &sum, e)) || (is_final && !month_clean(pg, m, e))))
        return false;
    failpoint("before_month");
    if (!pg_commit(pg, e))
        return false;
    a->summed += is_ours;
    return true;
}

/* Parses of the missing days are enqueued; the month stays dirty. */
static bool aggregate_backfill(struct aggregate *a, const struct month *m,
                               const struct series_tags *tags, struct err *e)
{
    struct reconciled_day days[MONTH_DAYS];
    enum backfill backfills[MONTH_DAYS];
    char text[CLOCK_TEXT];
    size_t count = 0;
    struct reconcile_source source = {.pg = a->task->pg,
                                      .kairosdb = a->kairosdb,
                                      .metric = a->metric,
                                      .cost_metric = a->cost_metric};
    const struct reconcile_series series = {
        .id = m->series_id, .tags = tags, .has_cost = m->has_cost};
    const struct backfill_order order = {.task = a->task, .least = RECONCILED_OTHER};
    if (!local_zone_named(a->task->settings, m->time_zone, &source.zone, e) ||
        !reconcile_days(&source, &series, m->start_s, m->end_s, days, MONTH_DAYS, &count, e) ||
        !missing_days_enqueue(&order, days, count, backfills, &a->backfills, e))
        return false;
    log_event(LOG_LEVEL_WARNING, "kairosdb_short",
              "series=%" PRId64 " month=%.7s enqueued=%" PRId64 " unreachable=%" PRId64,
              m->series_id, clock_format_utc((m->start_s + 86400) * 1000, text),
              a->backfills.enqueued, a->backfills.unreachable);
    return true;
}

/* More than the ledger has is summed: another window, or somebody else, wrote it. */
static bool aggregate_month(struct aggregate *a, const struct stretch *s, const struct month *m,
                            struct err *e)
{
    struct kairosdb_bucket value = kairosdb_bucket_at(s->values, s->values_count, m->start_s);
    struct kairosdb_bucket cost = kairosdb_bucket_at(s->costs, s->costs_count, m->start_s);
    if (reconciliation_of(&value, m->readings, m->total, m->size) < RECONCILED_OTHER &&
        reconciliation_of(&cost, m->costs, m->cost_total, m->cost_size) < RECONCILED_OTHER)
        return aggregate_store(a, m, &value, &cost, e);
    a->short_months++;
    return aggregate_backfill(a, m, &s->tags, e);
}

static bool aggregate_stretch(struct aggregate *a, struct stretch *s, struct err *e)
{
    char progress[80];
    snprintf(progress, sizeof progress, "%" PRId64 " months summed, %" PRId64 " short", a->summed,
             a->short_months);
    if (!task_go_on(a->task, progress, e) || !stretch_ask(a, s, e))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!aggregate_month(a, s, &s->months[i], e))
            return err_wrap(e, "series %" PRId64, s->months[i].series_id);
    return true;
}

/* --- all that is dirty ----------------------------------------------------------------------- */

/* Months that follow one another in one series: one query. */
static size_t stretch_length(const struct month *months, size_t count)
{
    size_t n = 1;
    while (n < count && months[n].series_id == months[0].series_id &&
           months[n].start_s == months[n - 1].end_s)
        n++;
    return n;
}

static bool aggregate_page(struct aggregate *a, const struct month *months, size_t count,
                           struct stretch *s, struct err *e)
{
    for (size_t done = 0; done < count; done += s->count) {
        s->months = months + done;
        s->count = stretch_length(months + done, count - done);
        if (!aggregate_stretch(a, s, e))
            return false;
    }
    return true;
}

struct aggregate_room {
    struct month months[AGGREGATE_MONTHS];
    struct stretch stretch;
};

static bool aggregate_all(struct aggregate *a, const char *building_id, struct err *e)
{
    struct aggregate_room *room CLEANUP(free_at) = malloc(sizeof *room);
    struct month_question q = {.building_id = building_id,
                               .ended_by_s = a->task->now_ms / 1000,
                               .settle_s = a->task->settings->kairosdb.settle_s};
    size_t count = 0;
    if (!room)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a page of months");
    do {
        if (!month_dirty(a->task->pg, &q, room->months, AGGREGATE_MONTHS, &count, e) ||
            !aggregate_page(a, room->months, count, &room->stretch, e))
            return false;
        if (count) {
            q.after_series = room->months[count - 1].series_id;
            q.after_start_s = room->months[count - 1].start_s;
        }
    } while (count);
    return true;
}

/* --- the task -------------------------------------------------------------------------------- */

static bool aggregate_done(struct task_context *t, const char *summary, const json_t *result,
                           struct err *e)
{
    return task_begin(t, e) && task_done(t, summary, result, e) && pg_commit(t->pg, e);
}

static bool aggregate_run(struct aggregate *a, const char *building_id, json_t **ret_result,
                          struct err *e)
{
    char summary[200];
    const char *measurement = a->task->settings->kairosdb.measurement;
    snprintf(a->metric, sizeof a->metric, "%s", measurement);
    snprintf(a->cost_metric, sizeof a->cost_metric, "%s.cost", measurement);
    if (!kairosdb_open(a->task->settings, task_stop_asked, &a->stop, &a->kairosdb, e))
        return false;
    if (!aggregate_all(a, building_id, e))
        return task_stopped(&a->stop, e);
    snprintf(summary, sizeof summary,
             "%" PRId64 " months summed; %" PRId64 " short of the ledger, %" PRId64
             " parses enqueued to fetch them again, %" PRId64 " days that cannot be fetched again",
             a->summed, a->short_months, a->backfills.enqueued, a->backfills.unreachable);
    *ret_result =
        json_pack("{s:I,s:I,s:I}", "months", (json_int_t)a->summed, "short",
                  (json_int_t)a->short_months, "repairs", (json_int_t)a->backfills.enqueued);
    return aggregate_done(a->task, summary, *ret_result, e);
}

bool aggregate_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    struct aggregate a CLEANUP(aggregate_free) = {.task = t, .stop = {.task = t}};
    struct aggregate_arguments arguments;
    if (!aggregate_arguments(t->message, &arguments, e))
        return false;
    const char *building_id = *arguments.building_id ? arguments.building_id : NULL;
    if (aggregate_run(&a, building_id, ret_result, e))
        return true;
    pg_rollback(t->pg);
    return false;
}

void aggregate_about(const struct task_message *m, struct run_key *key)
{
    struct aggregate_arguments a;
    if (!aggregate_arguments(m, &a, NULL) || !*a.building_id)
        return;
    const json_t *value = json_array_get(m->args, 0);
    if (!value)
        value = json_object_get(m->kwargs, "building");
    key->building_id = json_string_value(value ? value : json_object_get(m->kwargs, "building_id"));
}
