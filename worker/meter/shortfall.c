/* What KairosDB lost after showing it: the days concerned, and parses that fetch them once more. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "books/day.h"
#include "books/repair.h"
#include "meter/aggregate.h"
#include "meter/parse.h"
#include "meter/promise.h"

#define SHORTFALL_DAYS 32
#define SHORTFALL_TOLERANCE 1e-9

bool shortfall_is(const struct kairosdb_bucket *shown, int64_t count, double sum, double size)
{
    if (shown->count != count)
        return shown->count < count;
    return fabs(shown->sum - sum) > SHORTFALL_TOLERANCE * size;
}

struct shortfall {
    struct aggregate *aggregate;
    const struct month *month;
    struct day_book days[SHORTFALL_DAYS];
    size_t days_count;
    struct kairosdb_bucket values[SHORTFALL_DAYS], costs[SHORTFALL_DAYS];
    size_t values_count, costs_count;
};

static struct kairosdb_bucket bucket_of(const struct kairosdb_bucket *buckets, size_t count,
                                        int64_t start_s)
{
    for (size_t i = 0; i < count; i++)
        if (buckets[i].start_s == start_s)
            return buckets[i];
    return (struct kairosdb_bucket){.start_s = start_s};
}

static bool shortfall_ask(struct shortfall *s, const struct series_tags *tags, struct err *e)
{
    struct aggregate *a = s->aggregate;
    const struct month *m = s->month;
    const char *zone = *m->time_zone ? m->time_zone : a->task->settings->local_timezone;
    if (!day_list(a->task->pg, m->series_id, m->start_s, m->end_s, s->days, SHORTFALL_DAYS,
                  &s->days_count, e) ||
        !kairosdb_sums(a->kairosdb, a->metric, tags, KAIROSDB_DAYS, zone, m->start_s, m->end_s,
                       s->values, SHORTFALL_DAYS, &s->values_count, e))
        return false;
    return !m->has_cost ||
           kairosdb_sums(a->kairosdb, a->cost_metric, tags, KAIROSDB_DAYS, zone, m->start_s,
                         m->end_s, s->costs, SHORTFALL_DAYS, &s->costs_count, e);
}

static bool shortfall_on(const struct shortfall *s, const struct day_book *d)
{
    struct kairosdb_bucket value = bucket_of(s->values, s->values_count, d->day_s);
    struct kairosdb_bucket cost = bucket_of(s->costs, s->costs_count, d->day_s);
    return shortfall_is(&value, d->readings, d->total, fabs(d->total)) ||
           shortfall_is(&cost, d->costs, d->cost_total, fabs(d->cost_total));
}

/* Days first..last of one record, to the end of the last. */
static bool shortfall_promise(struct shortfall *s, size_t first, size_t last, struct err *e)
{
    struct task_context *t = s->aggregate->task;
    char about[100], task_id[UUID_TEXT];
    bool is_new = false;
    const struct promise promise = {.task_id = task_id,
                                    .record_id = s->days[first].record_id,
                                    .from_s = s->days[first].day_s,
                                    .to_s = last + 1 < s->days_count ? s->days[last + 1].day_s
                                                                     : s->month->end_s};
    if (!repair_is_promised(t->pg, promise.record_id, promise.from_s, promise.to_s, &is_new, e))
        return false;
    if (is_new)
        return true;
    snprintf(about, sizeof about, "record %" PRId64 " %" PRId64 " to %" PRId64, promise.record_id,
             promise.from_s, promise.to_s);
    run_child_id(t->message->id, about, task_id);
    if (!promise_parse(t, &promise, &is_new, e))
        return false;
    s->aggregate->repairs += is_new;
    return true;
}

static bool shortfall_promise_all(struct shortfall *s, struct err *e)
{
    for (size_t i = 0; i < s->days_count;) {
        size_t last = i;
        if (!shortfall_on(s, &s->days[i])) {
            i++;
            continue;
        }
        while (last + 1 < s->days_count && s->days[last + 1].record_id == s->days[i].record_id &&
               shortfall_on(s, &s->days[last + 1]))
            last++;
        if (!shortfall_promise(s, i, last, e))
            return false;
        i = last + 1;
    }
    return true;
}

bool shortfall_repair(struct aggregate *a, const struct month *m, const struct series_tags *tags,
                      struct err *e)
{
    struct shortfall s = {.aggregate = a, .month = m};
    char text[CLOCK_TEXT];
    if (!shortfall_ask(&s, tags, e) || !pg_begin(a->task->pg, e) || !shortfall_promise_all(&s, e) ||
        !pg_commit(a->task->pg, e))
        return false;
    log_event(LOG_LEVEL_WARNING, "kairosdb_short",
              "series=%" PRId64 " month=%.7s promised=%" PRId64, m->series_id,
              clock_format_utc((m->start_s + 86400) * 1000, text), a->repairs);
    return true;
}
