/* What a document would change of what is stored: its staged points beside KairosDB's. */
#include "worker/ingest/diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/decimal.h"
#include "common/kairosdb/kairosdb.h"
#include "worker/task/local_zone.h"

#define COMPARE_POINTS 2000
#define COMPARE_SPAN_S (7 * INT64_C(86400))
#define COMPARE_LEAST_SPAN_S 600
#define COMPARE_MOST_SPAN_S (3650 * INT64_C(86400))
/* From 1973 to 2286, the times that a reading can have. */
#define COMPARE_MONTHS 3800
#define COST_EXPONENT (-5) /* ESPI's costs are in hundred-thousandths of the currency */

/* The stored points of one metric of the series, a page at a time. */
struct stored {
    char metric[256];
    struct kairosdb_point points[COMPARE_POINTS];
    size_t count, at;
    int64_t next_s, end_s; /* where the next page begins, and the last one ends */
    int64_t span_s; /* of the next page at most: KairosDB reads all of it, whatever the limit */
};

struct comparison {
    struct parse *parse;
    const struct compare_sink *sink;
    struct kairosdb *kairosdb;
    struct series_draft draft; /* id 0: none yet */
    struct series_tags tags;
    const struct timezone_rules *zone; /* of the series */
    struct stored values, costs;
    struct compare_counts counts;
    struct compare_month months[COMPARE_MONTHS];
    size_t months_count;
    struct kairosdb_bucket sums[COMPARE_MONTHS], cost_sums[COMPARE_MONTHS];
    struct stage_point points[COMPARE_POINTS];
    int64_t done;
};

/* --- what is stored
 * ------------------------------------------------------------------------------ */

static void stored_begin(struct stored *s, int64_t from_s, int64_t end_s)
{
    s->count = s->at = 0;
    s->next_s = from_s;
    s->end_s = end_s;
    s->span_s = COMPARE_SPAN_S;
}

/* The span follows the density: a page is to be full, and not to be cut. */
static bool stored_page(struct comparison *c, struct stored *s, struct err *e)
{
    int64_t to_s = s->end_s - s->next_s < s->span_s ? s->end_s : s->next_s + s->span_s;
    s->at = s->count = 0;
    if (!kairosdb_points(c->kairosdb, s->metric, &c->tags, s->next_s, to_s, s->points,
                         COMPARE_POINTS, &s->count, &s->next_s, e))
        return false;
    if (s->next_s < to_s)
        s->span_s = s->span_s / 2 > COMPARE_LEAST_SPAN_S ? s->span_s / 2 : COMPARE_LEAST_SPAN_S;
    else if (s->count < COMPARE_POINTS / 2)
        s->span_s *= s->span_s < COMPARE_MOST_SPAN_S ? 2 : 1;
    return true;
}

/* The next stored point; NULL in *ret_point: there is none. */
static bool stored_peek(struct comparison *c, struct stored *s,
                        const struct kairosdb_point **ret_point, struct err *e)
{
    while (s->at == s->count && s->next_s < s->end_s)
        if (!stored_page(c, s, e))
            return false;
    *ret_point = s->at < s->count ? &s->points[s->at] : NULL;
    return true;
}

/* The stored point of that start, those before it counted as passed; NULL: there is none. */
static bool stored_find(struct comparison *c, struct stored *s, int64_t start_s,
                        const struct kairosdb_point **ret_point, int64_t *passed, struct err *e)
{
    for (;;) {
        if (!stored_peek(c, s, ret_point, e))
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

/* --- months
 * -------------------------------------------------------------------------------------- */

static bool comparison_month(struct comparison *c, int64_t start_s,
                             struct compare_month **ret_month, struct err *e)
{
    const struct timezone_rules *zone = c->zone;
    struct compare_month *last = c->months_count ? &c->months[c->months_count - 1] : NULL;
    if (!last || start_s >= last->end_s) {
        if (c->months_count == COMPARE_MONTHS)
            return err_set(e, ERR_REJECT, "too_many_months", "a series of more than %d months",
                           COMPARE_MONTHS);
        last = &c->months[c->months_count++];
        *last = (struct compare_month){.start_s = timezone_month_start(zone, start_s, 0),
                                       .end_s = timezone_month_start(zone, start_s, 1)};
    }
    *ret_month = last;
    return true;
}

static bool comparison_sums(struct comparison *c, size_t *ret_sums, size_t *ret_costs,
                            struct err *e)
{
    int64_t from_s = c->months[0].start_s, to_s = c->months[c->months_count - 1].end_s;
    *ret_sums = *ret_costs = 0;
    return kairosdb_sums(c->kairosdb, c->values.metric, &c->tags, KAIROSDB_MONTHS, c->zone, from_s,
                         to_s, c->sums, COMPARE_MONTHS, ret_sums, e) &&
           kairosdb_sums(c->kairosdb, c->costs.metric, &c->tags, KAIROSDB_MONTHS, c->zone, from_s,
                         to_s, c->cost_sums, COMPARE_MONTHS, ret_costs, e);
}

/* Until here `after` is the difference, in the document's unit. */
static bool comparison_finish_months(struct comparison *c, struct err *e)
{
    size_t sums, costs;
    if (!c->months_count)
        return true;
    if (!comparison_sums(c, &sums, &costs, e))
        return false;
    for (size_t i = 0; i < c->months_count; i++) {
        struct compare_month *m = &c->months[i];
        double before = kairosdb_bucket_at(c->sums, sums, m->start_s).sum;
        m->before = before * c->draft.numerator / c->draft.denominator;
        m->after = (before + m->after) * c->draft.numerator / c->draft.denominator;
        m->cost_before = kairosdb_bucket_at(c->cost_sums, costs, m->start_s).sum;
        m->cost_after += m->cost_before;
    }
    return true;
}

/* --- series
 * -------------------------------------------------------------------------------------- */

static bool comparison_end_series(struct comparison *c, struct err *e)
{
    if (!c->draft.id)
        return true;
    if (!comparison_finish_months(c, e))
        return false;
    const struct compare_series series = {.draft = &c->draft,
                                          .tags = &c->tags,
                                          .zone = c->zone,
                                          .counts = c->counts,
                                          .months = c->months,
                                          .months_count = c->months_count};
    return c->sink->series(c->sink->context, &series, e);
}

static bool comparison_begin_series(struct comparison *c, const struct stage_point *first,
                                    struct err *e)
{
    struct pg *pg = c->parse->task->pg;
    if (!series_draft_get(pg, first->series_id, &c->draft, e) ||
        !series_tags_read(c->draft.tags, &c->tags, e) ||
        !local_zone_named(c->parse->task->settings, c->draft.time_zone, &c->zone, e))
        return false;
    stored_begin(&c->values, first->start_s, c->parse->wanted.to_s);
    stored_begin(&c->costs, first->start_s, c->parse->wanted.to_s);
    c->counts = (struct compare_counts){0};
    c->months_count = 0;
    return true;
}

/* One reading of the document beside what is stored of it; NULL: nothing is. */
struct compare_pair {
    double value, cost;
    bool has_cost;
    const struct kairosdb_point *stored, *stored_cost;
};

/* Doubles come back from KairosDB as they were written, to the last bit. */
static bool is_same(double a, double b)
{
    return !(a < b) && !(a > b);
}

static bool comparison_count(struct comparison *c, int64_t start_s, const struct compare_pair *pair,
                             struct err *e)
{
    bool same_value = pair->stored && is_same(pair->stored->value, pair->value);
    bool same_cost =
        !pair->has_cost || (pair->stored_cost && is_same(pair->stored_cost->value, pair->cost));
    struct compare_month *month = NULL;
    if (same_value && same_cost) {
        c->counts.equal++;
        return true;
    }
    c->counts.added += !pair->stored;
    c->counts.corrected += pair->stored != NULL;
    if (!c->draft.is_summable)
        return true;
    if (!comparison_month(c, start_s, &month, e))
        return false;
    month->added += !pair->stored;
    month->corrected += pair->stored != NULL;
    month->after += pair->value - (pair->stored ? pair->stored->value : 0);
    if (pair->has_cost)
        month->cost_after += pair->cost - (pair->stored_cost ? pair->stored_cost->value : 0);
    return true;
}

static bool comparison_add(struct comparison *c, const struct stage_point *p, struct err *e)
{
    struct compare_pair pair = {.has_cost = p->cost != STAGE_ABSENT};
    int64_t costs_passed = 0;
    if (!decimal_scale(p->value, p->exponent, &pair.value) ||
        (pair.has_cost && !decimal_scale(p->cost, COST_EXPONENT + p->cost_exponent, &pair.cost)))
        return err_set(e, ERR_REJECT, "bad_point", "a multiplier out of range");
    return stored_find(c, &c->values, p->start_s, &pair.stored, &c->counts.missing, e) &&
           stored_find(c, &c->costs, p->start_s, &pair.stored_cost, &costs_passed, e) &&
           comparison_count(c, p->start_s, &pair, e);
}

static bool comparison_points(struct comparison *c, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        const struct stage_point *p = &c->points[i];
        if (p->series_id != c->draft.id &&
            (!comparison_end_series(c, e) || !comparison_begin_series(c, p, e)))
            return false;
        if (!comparison_add(c, p, e))
            return false;
    }
    return true;
}

static bool comparison_all(struct comparison *c, struct err *e)
{
    struct parse *p = c->parse;
    char progress[80];
    size_t count = 0;
    if (!stage_points_open(p->stage, &p->wanted, NULL, e))
        return false;
    do {
        c->done += (int64_t)count;
        snprintf(progress, sizeof progress, "comparing: %lld of %lld points", (long long)c->done,
                 (long long)p->counts.points);
        if (!task_go_on(p->task, progress, e) ||
            !stage_points_next(p->stage, c->points, COMPARE_POINTS, &count, e) ||
            !comparison_points(c, count, e))
            return false;
    } while (count);
    return comparison_end_series(c, e);
}

static void comparison_freep(struct comparison **c)
{
    if (*c)
        kairosdb_close((*c)->kairosdb);
    free(*c);
}

bool compare_points(struct parse *p, const struct compare_sink *sink, struct err *e)
{
    const char *measurement = p->task->settings->kairosdb.measurement;
    struct comparison *c CLEANUP(comparison_freep) = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to compare with");
    c->parse = p;
    c->sink = sink;
    snprintf(c->values.metric, sizeof c->values.metric, "%s", measurement);
    snprintf(c->costs.metric, sizeof c->costs.metric, "%s.cost", measurement);
    if (!kairosdb_open(p->task->settings, parse_should_stop, p, &c->kairosdb, e))
        return false;
    return comparison_all(c, e) || parse_stopped(p, e);
}
