/* Second step of a parse: each series of the feed gets its tags, its meter and its id, or a reason
 * why not. */
#include "worker/ingest/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/espi/service.h"
#include "common/store/record_option.h"
#include "worker/ingest/claim_series.h"
#include "worker/ingest/resolve_rules.h"

/* Problems that are logged, with their locations; the rest as a number. */
#define RESOLVE_PROBLEMS 5

struct resolving {
    const struct ingest_request *request;
    struct staged_feed *feed;
    struct ingest_result *result;
    struct resolve_reasons reasons;
    size_t count; /* of the feed's series */
    int64_t *ids; /* of each; 0: cannot be stored, or has no readings */
    size_t apart; /* series whose meter another record named first */
};

static void resolving_free(struct resolving *v)
{
    free(v->ids);
}

/* As a person corrected it. */
static struct espi_series series_at(const struct resolving *v, size_t i)
{
    return correction_series(&v->request->correction, espi_series_at(v->feed->reader, i));
}

/* --- not too many ----------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const char *const *)a, y = (uintptr_t) * (const char *const *)b;
    return (x > y) - (x < y);
}

/* Usage points that have a bill; the reader keeps each text once. */
static bool count_billed(const struct resolving *v, size_t *ret_count, struct err *e)
{
    size_t count = espi_bill_count(v->feed->reader), distinct = 0;
    const char **points CLEANUP(free_at) = calloc(count + 1, sizeof *points);
    if (!points)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu bills", count);
    for (size_t i = 0; i < count; i++)
        points[i] = espi_bill_at(v->feed->reader, i)->usage_point;
    qsort(points, count, sizeof *points, by_address);
    for (size_t i = 0; i < count; i++)
        distinct += points[i] && (i == 0 || points[i] != points[i - 1]);
    *ret_count = distinct;
    return true;
}

/* Before any is made: what is refused leaves nothing behind. */
static bool refuse_too_many(const struct resolving *v, struct err *e)
{
    size_t series = 0, billed = 0;
    int64_t most = v->request->task->settings->feed.max_series;
    for (size_t i = 0; i < v->count; i++)
        series += espi_series_at(v->feed->reader, i)->readings > 0;
    if (!count_billed(v, &billed, e))
        return false;
    return series + billed <= (size_t)most ||
           err_set(e, ERR_REJECT, "too_many_series",
                   "readings of %zu series and bills of %zu meters, more than feed.max_series "
                   "(%" PRId64 ")",
                   series, billed, most);
}

/* --- series ----------------------------------------------------------------------------------- */

static bool resolve_one(struct resolving *v, const struct espi_series *s, int64_t *ret_id,
                        struct err *e)
{
    struct series_tags tags;
    struct claimed_series claimed;
    struct err why = {0};
    if (!series_tags_of(s, v->request->record.building_id, &tags, &why)) {
        reasons_add(&v->reasons, why.code, s->readings);
        return true;
    }
    if (series_fault(s)) {
        reasons_add(&v->reasons, series_fault(s), s->readings);
        return true;
    }
    if (!claim_series(v->request, s, &tags, &claimed, e))
        return false;
    *ret_id = claimed.series_id;
    v->apart += claimed.is_apart;
    if (claimed.series_id)
        v->result->series++;
    else
        reasons_add(&v->reasons, "tags_taken", s->readings);
    return true;
}

static bool resolve_all(struct resolving *v, struct err *e)
{
    const struct ingest_request *r = v->request;
    if (!claim_begin(r, e))
        return false;
    for (size_t i = 0; i < v->count; i++) {
        const struct espi_series s = series_at(v, i);
        if (s.readings &&
            (!task_go_on(r->task, "resolving", e) || !resolve_one(v, &s, &v->ids[i], e)))
            return false;
    }
    return (r->is_preview || series_mark_same(r->task->pg, r->record.building_id, e)) &&
           pg_commit(r->task->pg, e);
}

static bool add_groups(struct resolving *v, struct err *e)
{
    struct stage *stage = v->feed->stage;
    for (size_t group = 0; group < espi_group_count(v->feed->reader); group++) {
        size_t i = espi_series_of_group(v->feed->reader, (uint32_t)group);
        const struct espi_series s = series_at(v, i);
        bool is_full = false;
        int64_t exponent = s.power_of_ten_multiplier;
        const struct staging_group row = {.group = (uint32_t)group,
                                          .feed_series = i,
                                          .series_id = v->ids[i],
                                          .exponent = exponent == ESPI_ABSENT ? 0 : exponent,
                                          .interval_s = espi_interval(&s),
                                          .is_summable = series_is_summable(&s),
                                          .without_costs = s.unreadable_costs,
                                          .is_estimated = s.default_quality == 8 ||
                                                          s.default_quality == 9 ||
                                                          s.default_quality == 12};
        if (!staging_group(stage, &row, &is_full, e) || (is_full && !staging_flush(stage, e)))
            return false;
    }
    return staging_flush(stage, e);
}

/* A file with readings of a meter that a record delivers, which are corrected there: half of them
 * would be wrong. */
static bool refuse_other_corrections(const struct ingest_request *r, struct err *e)
{
    int64_t record = 0;
    if (!r->is_file || !record_option_other(r->task->pg, &r->option, &record, e))
        return !r->is_file;
    return !record || err_set(e, ERR_REJECT, "corrections_differ",
                              "readings of meters of record %" PRId64 ", which has corrections "
                              "(record show %" PRId64 "): give import the same",
                              record, record);
}

/* --- registers -------------------------------------------------------------------------------- */

/* As a person decided, as it was found before, or by its values. */
static bool judge_register(struct resolving *v, int64_t id, enum staging_register *ret_is,
                           struct err *e)
{
    const char *option = v->request->option.of[OPTION_REGISTERS];
    bool is_known = false, is_register = false;
    if (!*option && !series_register(v->request->task->pg, id, &is_known, &is_register, e))
        return false;
    return register_decided(option, is_known, is_register, ret_is) ||
           staging_judge_register(v->feed->stage, id, ret_is, e);
}

static bool resolve_register(struct resolving *v, const struct espi_series *s, int64_t id,
                             struct err *e)
{
    const struct ingest_request *r = v->request;
    enum staging_register is = STAGING_DELTAS;
    if (!judge_register(v, id, &is, e))
        return false;
    v->result->has_registers |= is == STAGING_REGISTER;
    if (is == STAGING_UNCLEAR) {
        reasons_add(&v->reasons, "register_or_amounts", s->readings);
        v->result->series--;
    }
    return (is == STAGING_DELTAS || staging_set_register(v->feed->stage, id, is, e)) &&
           (is == STAGING_UNCLEAR || r->is_preview ||
            series_set_register(r->task->pg, id, is == STAGING_REGISTER, e));
}

static bool resolve_registers(struct resolving *v, struct err *e)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct espi_series s = series_at(v, i);
        if (!v->ids[i] || !s.readings || !is_register_kind(&s))
            continue;
        if (!task_go_on(v->request->task, "resolving", e) || !resolve_register(v, &s, v->ids[i], e))
            return false;
    }
    return true;
}

static bool refuse_mixed(struct resolving *v, struct err *e)
{
    int64_t refused = 0;
    if (!staging_refuse_mixed(v->feed->stage, &refused, e))
        return false;
    for (int64_t i = 0; i < refused; i++)
        reasons_add(&v->reasons, "same_tags", 0);
    v->result->series -= (size_t)refused;
    return true;
}

/* --- bills ------------------------------------------------------------------------------------ */

static bool claim_bill(struct resolving *v, const struct espi_series *s, int64_t *ret_id,
                       struct err *e)
{
    struct series_tags tags;
    struct claimed_series claimed;
    struct err why = {0};
    *ret_id = 0;
    if (!series_tags_of(s, v->request->record.building_id, &tags, &why)) {
        reasons_add(&v->reasons, why.code, 0);
        return true;
    }
    bill_tags(&tags);
    if (!claim_series(v->request, s, &tags, &claimed, e))
        return false;
    *ret_id = claimed.series_id;
    v->apart += claimed.is_apart;
    if (!claimed.series_id)
        reasons_add(&v->reasons, "tags_taken", 0);
    return true;
}

static bool resolve_bill(struct resolving *v, const struct espi_bill *b, struct err *e)
{
    const struct correction *c = &v->request->correction;
    struct stage *stage = v->feed->stage;
    const char *fault = bill_fault(c, b);
    bool is_full = false;
    if (b->value == ESPI_ABSENT && b->amount == ESPI_ABSENT)
        return true; /* a status without figures */
    if (fault) {
        reasons_add(&v->reasons, fault, 0);
        return true;
    }
    const struct espi_series s = bill_series(c, b);
    struct staging_bill row = {
        .start_s = b->start_s,
        .length_s = b->duration_s,
        .value = b->value,
        .exponent = b->power_of_ten_multiplier == ESPI_ABSENT ? 0 : b->power_of_ten_multiplier,
        .cost = correction_cost(c, b->amount),
        .updated_s = b->updated_s};
    if (!claim_bill(v, &s, &row.series_id, e))
        return false;
    return !row.series_id ||
           (staging_bill(stage, &row, &is_full, e) && (!is_full || staging_flush(stage, e)));
}

static bool resolve_bills(struct resolving *v, struct err *e)
{
    const struct ingest_request *r = v->request;
    size_t count = espi_bill_count(v->feed->reader);
    if (!count)
        return true;
    if (!claim_begin(r, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!task_go_on(r->task, "resolving", e) ||
            !resolve_bill(v, espi_bill_at(v->feed->reader, i), e))
            return false;
    return pg_commit(r->task->pg, e) && staging_flush(v->feed->stage, e);
}

/* --- what is told ----------------------------------------------------------------------------- */

static bool tell(struct resolving *v, struct err *e)
{
    const struct espi *reader = v->feed->reader;
    struct ingest_result *result = v->result;
    size_t count = espi_problem_count(reader);
    uint64_t all = count + espi_problems_not_kept(reader);
    const struct espi_problem **problems CLEANUP(free_at) = calloc(count + 1, sizeof *problems);
    if (!problems)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu problems", count);
    for (size_t i = 0; i < count; i++) {
        const struct espi_problem *problem = problems[i] = espi_problem_at(reader, i);
        if (i < RESOLVE_PROBLEMS)
            log_event(LOG_LEVEL_WARNING, "feed_problem",
                      "record=%" PRId64 " code=%s count=%" PRIu64 " line=%" PRIu64
                      " where=%s of=%" PRIu64,
                      v->request->record.id, problem->code, problem->count, problem->line,
                      problem->where, all);
    }
    told_text(problems, count, v->apart, result->told, sizeof result->told);
    reasons_text(&v->reasons, result->unresolved, sizeof result->unresolved);
    result->skipped_readings = espi_skipped(reader, result->skipped, sizeof result->skipped);
    return true;
}

bool ingest_resolve(const struct ingest_request *r, struct staged_feed *feed,
                    struct ingest_result *result, struct err *e)
{
    struct resolving v CLEANUP(resolving_free) = {
        .request = r, .feed = feed, .result = result, .count = espi_series_count(feed->reader)};
    const struct plausible_decided decided = {.multiplier = r->correction.has_multiplier,
                                              .cost_scale = r->correction.has_cost_scale};
    v.ids = calloc(v.count + 1, sizeof *v.ids);
    if (!v.ids)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu series", v.count);
    if (!task_go_on(r->task, "resolving", e) || !refuse_too_many(&v, e) ||
        !plausible_judge(&feed->plausible, &decided, feed->reader, e) || !resolve_all(&v, e) ||
        !add_groups(&v, e) || !refuse_other_corrections(r, e) || !resolve_registers(&v, e) ||
        !resolve_bills(&v, e) || !refuse_mixed(&v, e) || !tell(&v, e))
        return false;
    staged_feed_close_reader(feed);
    return staging_count(feed->stage, &r->wanted, &result->counts, e);
}
