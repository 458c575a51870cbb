/* What a document would change: compares its staged points with those in KairosDB. */
#include "worker/ingest/diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/decimal.h"
#include "common/kairosdb/kairosdb.h"
#include "worker/task/local_zone.h"

#define DIFF_POINTS 2000
#define DIFF_SPAN_S (7 * INT64_C(86400))
#define DIFF_LEAST_SPAN_S 600
#define DIFF_MOST_SPAN_S (3650 * INT64_C(86400))
/* From 1973 to 2286, the times that a reading can have. */
#define DIFF_MONTHS 3800
#define COST_EXPONENT (-5) /* ESPI's costs are in hundred-thousandths of the currency */

/* The stored points of one metric of the series, a page at a time. */
struct stored {
    char metric[256];
    struct kairosdb_point points[DIFF_POINTS];
    size_t count, at;
    int64_t next_s, end_s; /* where the next page begins, and the last one ends */
    int64_t span_s; /* of the next page at most: KairosDB reads all of it, whatever the limit */
};

struct diff {
    const struct ingest_request *request;
    struct staged_feed *feed;
    const struct ingest_result *result;
    struct task_stop stop;
    const struct diff_sink *sink;
    struct kairosdb *kairosdb;
    struct series_preview draft; /* id 0: none yet */
    struct series_tags tags;
    const struct timezone_rules *zone; /* of the series */
    struct stored values, costs;
    struct diff_counts counts;
    struct diff_month months[DIFF_MONTHS];
    size_t months_count;
    struct kairosdb_bucket sums[DIFF_MONTHS], cost_sums[DIFF_MONTHS];
    struct staging_point points[DIFF_POINTS];
    int64_t done;
};

/* --- what is stored --------------------------------------------------------------------------- */

static void stored_begin(struct stored *s, int64_t from_s, int64_t end_s)
{
    s->count = s->at = 0;
    s->next_s = from_s;
    s->end_s = end_s;
    s->span_s = DIFF_SPAN_S;
}

/* The span follows the density: a page is to be full, and not to be cut. */
static bool stored_page(struct diff *d, struct stored *s, struct err *e)
{
    int64_t to_s = s->end_s - s->next_s < s->span_s ? s->end_s : s->next_s + s->span_s;
    s->at = s->count = 0;
    if (!kairosdb_points(d->kairosdb, s->metric, &d->tags, s->next_s, to_s, s->points, DIFF_POINTS,
                         &s->count, &s->next_s, e))
        return false;
    if (s->next_s < to_s)
        s->span_s = s->span_s / 2 > DIFF_LEAST_SPAN_S ? s->span_s / 2 : DIFF_LEAST_SPAN_S;
    else if (s->count < DIFF_POINTS / 2)
        s->span_s *= s->span_s < DIFF_MOST_SPAN_S ? 2 : 1;
    return true;
}

/* The next stored point; NULL in *ret_point: there is none. */
static bool stored_peek(struct diff *d, struct stored *s, const struct kairosdb_point **ret_point,
                        struct err *e)
{
    while (s->at == s->count && s->next_s < s->end_s)
        if (!stored_page(d, s, e))
            return false;
    *ret_point = s->at < s->count ? &s->points[s->at] : NULL;
    return true;
}

/* The stored point of that start, those before it counted as passed; NULL: there is none. */
static bool stored_find(struct diff *d, struct stored *s, int64_t start_s,
                        const struct kairosdb_point **ret_point, int64_t *passed, struct err *e)
{
    for (;;) {
        if (!stored_peek(d, s, ret_point, e))
            return false;
        if (!*ret_point || (*ret_point)->start_s > start_s) {
            *ret_point = NULL;
            return true;
        }
        s->at++;
        if ((*ret_point)->start_s == start_s)
            return true;
        (*passed)++;
    }
}

/* --- months ----------------------------------------------------------------------------------- */

static bool diff_month(struct diff *d, int64_t start_s, struct diff_month **ret_month,
                       struct err *e)
{
    const struct timezone_rules *zone = d->zone;
    struct diff_month *last = d->months_count ? &d->months[d->months_count - 1] : NULL;
    if (!last || start_s >= last->end_s) {
        if (d->months_count == DIFF_MONTHS)
            return err_set(e, ERR_REJECT, "too_many_months", "a series of more than %d months",
                           DIFF_MONTHS);
        last = &d->months[d->months_count++];
        *last = (struct diff_month){.start_s = timezone_month_start(zone, start_s, 0),
                                    .end_s = timezone_month_start(zone, start_s, 1)};
    }
    *ret_month = last;
    return true;
}

static bool diff_sums(struct diff *d, size_t *ret_sums, size_t *ret_costs, struct err *e)
{
    int64_t from_s = d->months[0].start_s, to_s = d->months[d->months_count - 1].end_s;
    *ret_sums = *ret_costs = 0;
    return kairosdb_sums(d->kairosdb, d->values.metric, &d->tags, KAIROSDB_MONTHS, d->zone, from_s,
                         to_s, d->sums, DIFF_MONTHS, ret_sums, e) &&
           kairosdb_sums(d->kairosdb, d->costs.metric, &d->tags, KAIROSDB_MONTHS, d->zone, from_s,
                         to_s, d->cost_sums, DIFF_MONTHS, ret_costs, e);
}

/* Until here `after` is the difference, in the document's unit. */
static bool diff_finish_months(struct diff *d, struct err *e)
{
    size_t sums, costs;
    if (!d->months_count)
        return true;
    if (!diff_sums(d, &sums, &costs, e))
        return false;
    for (size_t i = 0; i < d->months_count; i++) {
        struct diff_month *m = &d->months[i];
        double before = kairosdb_bucket_at(d->sums, sums, m->start_s).sum;
        m->before = before * d->draft.numerator / d->draft.denominator;
        m->after = (before + m->after) * d->draft.numerator / d->draft.denominator;
        m->cost_before = kairosdb_bucket_at(d->cost_sums, costs, m->start_s).sum;
        m->cost_after += m->cost_before;
    }
    return true;
}

/* --- series ----------------------------------------------------------------------------------- */

static bool diff_end_series(struct diff *d, struct err *e)
{
    if (!d->draft.id)
        return true;
    if (!diff_finish_months(d, e))
        return false;
    const struct diff_series series = {.draft = &d->draft,
                                       .tags = &d->tags,
                                       .zone = d->zone,
                                       .counts = d->counts,
                                       .months = d->months,
                                       .months_count = d->months_count};
    return d->sink->series(d->sink->context, &series, e);
}

static bool diff_begin_series(struct diff *d, const struct staging_point *first, struct err *e)
{
    struct pg *pg = d->request->task->pg;
    if (!series_preview_get(pg, first->series_id, &d->draft, e) ||
        !series_tags_read(d->draft.tags, &d->tags, e) ||
        !local_zone_named(d->request->task->settings, d->draft.time_zone, &d->zone, e))
        return false;
    stored_begin(&d->values, first->start_s, d->request->wanted.to_s);
    stored_begin(&d->costs, first->start_s, d->request->wanted.to_s);
    d->counts = (struct diff_counts){0};
    d->months_count = 0;
    return true;
}

/* One reading of the document beside what is stored of it; NULL: nothing is. */
struct diff_pair {
    double value, cost;
    bool has_cost;
    const struct kairosdb_point *stored, *stored_cost;
};

/* Doubles come back from KairosDB as they were written, to the last bit. */
static bool is_same(double a, double b)
{
    return !(a < b) && !(a > b);
}

static bool diff_count(struct diff *d, int64_t start_s, const struct diff_pair *pair, struct err *e)
{
    bool same_value = pair->stored && is_same(pair->stored->value, pair->value);
    bool same_cost =
        !pair->has_cost || (pair->stored_cost && is_same(pair->stored_cost->value, pair->cost));
    struct diff_month *month = NULL;
    if (same_value && same_cost) {
        d->counts.equal++;
        return true;
    }
    d->counts.added += !pair->stored;
    d->counts.corrected += pair->stored != NULL;
    if (!d->draft.is_summable)
        return true;
    if (!diff_month(d, start_s, &month, e))
        return false;
    month->added += !pair->stored;
    month->corrected += pair->stored != NULL;
    month->after += pair->value - (pair->stored ? pair->stored->value : 0);
    if (pair->has_cost)
        month->cost_after += pair->cost - (pair->stored_cost ? pair->stored_cost->value : 0);
    return true;
}

static bool diff_add(struct diff *d, const struct staging_point *p, struct err *e)
{
    struct diff_pair pair = {.has_cost = p->cost != STAGING_ABSENT};
    int64_t costs_passed = 0;
    if (!decimal_scale(p->value, p->exponent, &pair.value) ||
        (pair.has_cost && !decimal_scale(p->cost, COST_EXPONENT + p->cost_exponent, &pair.cost)))
        return err_set(e, ERR_REJECT, "bad_point", "a multiplier out of range");
    return stored_find(d, &d->values, p->start_s, &pair.stored, &d->counts.missing, e) &&
           stored_find(d, &d->costs, p->start_s, &pair.stored_cost, &costs_passed, e) &&
           diff_count(d, p->start_s, &pair, e);
}

static bool diff_page(struct diff *d, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        const struct staging_point *p = &d->points[i];
        if (p->series_id != d->draft.id && (!diff_end_series(d, e) || !diff_begin_series(d, p, e)))
            return false;
        if (!diff_add(d, p, e))
            return false;
    }
    return true;
}

static bool diff_all(struct diff *d, struct err *e)
{
    struct stage *stage = d->feed->stage;
    char progress[80];
    size_t count = 0;
    if (!staging_points_open(stage, &d->request->wanted, NULL, e))
        return false;
    do {
        d->done += (int64_t)count;
        snprintf(progress, sizeof progress, "comparing: %lld of %lld points", (long long)d->done,
                 (long long)d->result->counts.points);
        if (!task_go_on(d->request->task, progress, e) ||
            !staging_points_next(stage, d->points, DIFF_POINTS, &count, e) ||
            !diff_page(d, count, e))
            return false;
    } while (count);
    return diff_end_series(d, e);
}

static void diff_freep(struct diff **d)
{
    if (*d)
        kairosdb_close((*d)->kairosdb);
    free(*d);
}

bool diff_points(const struct ingest_request *r, struct staged_feed *feed,
                 const struct ingest_result *result, const struct diff_sink *sink, struct err *e)
{
    const struct settings *s = r->task->settings;
    struct diff *d CLEANUP(diff_freep) = calloc(1, sizeof *d);
    if (!d)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to compare with");
    d->request = r;
    d->feed = feed;
    d->result = result;
    d->stop.task = r->task;
    d->sink = sink;
    snprintf(d->values.metric, sizeof d->values.metric, "%s", s->kairosdb.measurement);
    snprintf(d->costs.metric, sizeof d->costs.metric, "%s.cost", s->kairosdb.measurement);
    if (!kairosdb_open(s, task_stop_asked, &d->stop, &d->kairosdb, e))
        return false;
    return diff_all(d, e) || task_stopped(&d->stop, e);
}
