/* Second step of a parse: each series of the feed gets its tags, its meter and its id, or a reason
 * why not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/store/series_preview.h"
#include "common/base/decimal.h"
#include "common/espi/problems.h"
#include "common/espi/local_time.h"
#include "worker/task/local_zone.h"
#include "worker/ingest/parse.h"
#include "common/espi/service.h"
#include "common/kairosdb/series_tags.h"

/* Reasons are few, series may be many: each reason once, with the number of its series. */
#define RESOLVE_REASONS 12
/* Instants that a bill can begin at, as of readings: 1973 to 2286. */
#define BILL_LEAST_S INT64_C(100000000)
#define BILL_MOST_S INT64_C(10000000000)

struct resolve_reasons {
    struct {
        char code[32];
        size_t series;
        uint64_t readings;
    } of[RESOLVE_REASONS];
    size_t count;
};

static void reasons_add(struct resolve_reasons *reasons, const char *code, uint64_t readings)
{
    size_t i = 0;
    while (i < reasons->count && strcmp(reasons->of[i].code, code) != 0)
        i++;
    if (i == RESOLVE_REASONS)
        return;
    if (i == reasons->count) {
        snprintf(reasons->of[i].code, sizeof reasons->of[i].code, "%s", code);
        reasons->count++;
    }
    reasons->of[i].series++;
    reasons->of[i].readings += readings;
}

static void reasons_text(const struct resolve_reasons *reasons, char out[PARSE_NOTE])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < reasons->count && used < PARSE_NOTE; i++)
        used += (size_t)snprintf(
            out + used, PARSE_NOTE - used, "%s%s: %zu series, %" PRIu64 " readings", i ? "; " : "",
            reasons->of[i].code, reasons->of[i].series, reasons->of[i].readings);
}

/* As a person corrected it. */
static struct espi_series resolve_series_at(const struct parse *p, size_t i)
{
    return correction_series(&p->correction, espi_series_at(p->espi, i));
}

static int64_t tag_number(const struct series_tags *tags, enum series_tag tag)
{
    return strtoll(tags->values[tag], NULL, 10);
}

/* "GreenButton electricity forward Wh 900 s": SEED's prefix, and what sets it apart for people. */
static void resolve_meter_name(const struct series_tags *tags, char *out, size_t size)
{
    const char *interval = tags->values[TAG_INTERVAL];
    bool is_bill = !strcmp(tags->values[TAG_READING_KIND], "bill");
    bool has_interval = strspn(interval, "0123456789") == strlen(interval);
    snprintf(out, size, "GreenButton %s %s %s%s%s%s", tags->values[TAG_ENERGY_TYPE],
             is_bill ? "bill" : tags->values[TAG_FLOW], tags->values[TAG_UOM],
             has_interval ? " " : "", has_interval ? interval : "", has_interval ? " s" : "");
}

/* Of the series' days and months; NULL: the configured one. */
static const char *resolve_zone(const struct parse *p, const struct espi_series *s)
{
    const char *zone = p->option.of[OPTION_TIME_ZONE];
    if (strcmp(zone, "feed") != 0)
        return *zone ? zone : NULL;
    struct local_time t =
        local_time_read(s->tz_offset_s, s->dst_offset_s, s->dst_start_rule, s->dst_end_rule);
    zone = local_time_zone(&t, local_zones());
    if (!zone)
        log_event(LOG_LEVEL_WARNING, "feed_zone_unknown", "record=%" PRId64 " reason=%s",
                  p->record.id, t.odd ? t.odd : "no_rules");
    return zone;
}

static bool resolve_claim(struct parse *p, const struct espi_series *s,
                          const struct series_tags *tags, const char *source, bool takes_over,
                          enum series_owner *ret_owner, int64_t *ret_id, struct err *e)
{
    struct series_energy energy;
    char key[SERIES_KEY_BYTES], name[5 * SERIES_TAG_BYTES];
    struct buf json CLEANUP(buf_free) = buf_make(4 * SERIES_KEY_BYTES);
    resolve_meter_name(tags, name, sizeof name);
    if (!series_tags_json(tags, &json, e))
        return false;
    bool conflict;
    int seed_type = units_seed_type(series_service(s, &conflict), s->commodity);
    struct units_seed seed =
        units_seed_of_gas(seed_type, s->uom, p->heat.amount > 0 ? &p->heat : NULL);
    bool is_bill = !strcmp(tags->values[TAG_READING_KIND], "bill");
    bool is_energy = !is_bill && series_energy_of(s, p->record.building_id, source, &energy);
    const struct series_claim claim = {
        .takes_over = takes_over,
        .energy_group = is_energy ? energy.group : NULL,
        .energy_part = is_energy ? energy.part : "",
        .energy_rank = is_energy ? energy.rank : 0,
        .tag_key = series_tags_key(tags, key),
        .tags = json.data,
        .source = source,
        .record_id = p->record.id,
        .is_summable = series_is_summable(s),
        .numerator = seed.numerator,
        .denominator = seed.denominator,
        .time_zone = is_bill ? NULL : resolve_zone(p, s),
        .by_hand = p->by_hand,
        .meter = {.building_id = p->record.building_id,
                  .name = name,
                  .custom_meter_id = tags->values[TAG_CUSTOM_METER_ID],
                  .energy_type = seed_type,
                  .energy_units = seed.unit,
                  .espi_type = tag_number(tags, TAG_ENERGY_TYPE_INT),
                  .espi_units = tag_number(tags, TAG_UOM_INT),
                  .factor = seed.numerator / seed.denominator,
                  .may_be_seeds = s->flow_direction != 19}};
    return p->is_draft ? series_draft_claim(p->task->pg, &claim, ret_owner, ret_id, e)
                       : series_claim(p->task->pg, &claim, ret_owner, ret_id, e);
}

/* A file does not say which subscription it is of: the building's own meter is taken for the same.
 */
static bool resolve_source(struct parse *p, const struct espi_series *s,
                           char source[SERIES_KEY_BYTES], struct err *e)
{
    const struct record *r = &p->record;
    if (!p->by_hand) {
        series_source(s, *r->sub_id ? r->sub_id : r->url, source);
        return true;
    }
    series_source(s, p->scope ? p->scope : "", source);
    return series_find_source(p->task->pg, r->building_id, source, SERIES_KEY_BYTES, e);
}

/* A meter belongs to the record that named it first. Another record's readings
 * under its name are kept apart, in a series of that record's own; once the
 * first one is paused or gone, a record that has none yet goes on with it. */
static bool resolve_anothers(struct parse *p, const struct espi_series *s, struct series_tags *tags,
                             const char *source, enum series_owner owner, int64_t *ret_id,
                             struct err *e)
{
    char own_source[SERIES_KEY_BYTES + 40], key[SERIES_KEY_BYTES];
    struct series_tags own = *tags;
    bool has_own = false;
    snprintf(own_source, sizeof own_source, "%.1300s#%" PRId64, source, p->record.id);
    series_tags_distinguish(&own, own_source);
    if (!series_is_known(p->task->pg, series_tags_key(&own, key), &has_own, e))
        return false;
    log_event(LOG_LEVEL_WARNING,
              owner == SERIES_LEFT && !has_own ? "meter_taken_over" : "meter_of_another_record",
              "record=%" PRId64 " meter=%s", p->record.id, tags->values[TAG_CUSTOM_METER_ID]);
    if (owner == SERIES_LEFT && !has_own)
        return resolve_claim(p, s, tags, source, true, &owner, ret_id, e);
    p->anothers++;
    *tags = own;
    return resolve_claim(p, s, tags, own_source, true, &owner, ret_id, e);
}

/* Plain tags first; where another meter has them, tags that tell this one
 * apart. *ret_id 0: even those are another's. */
static bool resolve_apart(struct parse *p, const struct espi_series *s, struct series_tags *tags,
                          int64_t *ret_id, struct err *e)
{
    char source[SERIES_KEY_BYTES];
    enum series_owner owner = SERIES_OURS;
    *ret_id = 0;
    if (!resolve_source(p, s, source, e) ||
        !resolve_claim(p, s, tags, source, false, &owner, ret_id, e))
        return false;
    if (owner == SERIES_TAKEN) {
        series_tags_distinguish(tags, source);
        if (!resolve_claim(p, s, tags, source, false, &owner, ret_id, e))
            return false;
    }
    return (owner != SERIES_ANOTHERS && owner != SERIES_LEFT) ||
           resolve_anothers(p, s, tags, source, owner, ret_id, e);
}

/* A series keeps its tags: one that was begun by the usage point's category, as all were once, goes
 * on so. */
static bool resolve_tags(struct parse *p, const struct espi_series *s, struct series_tags *tags,
                         struct err *e)
{
    char key[SERIES_KEY_BYTES];
    struct series_tags before = *tags;
    bool known = false, conflict;
    (void)series_service(s, &conflict);
    if (!conflict || s->service_kind == ESPI_ABSENT)
        return true;
    series_tags_of_category(s, &before);
    if (!series_is_known(p->task->pg, series_tags_key(&before, key), &known, e))
        return false;
    if (known)
        *tags = before;
    return true;
}

static bool resolve_one(struct parse *p, const struct espi_series *s, int64_t *ret_id,
                        struct resolve_reasons *reasons, struct err *e)
{
    struct series_tags tags;
    struct err why = {0};
    *ret_id = 0;
    int64_t exponent = s->power_of_ten_multiplier == ESPI_ABSENT ? 0 : s->power_of_ten_multiplier;
    if (!series_tags_of(s, p->record.building_id, &tags, &why)) {
        reasons_add(reasons, why.code, s->readings);
        return true;
    }
    if (exponent < -DECIMAL_MAX_EXPONENT || exponent > DECIMAL_MAX_EXPONENT) {
        reasons_add(reasons, "bad_multiplier", s->readings);
        return true;
    }
    if (!resolve_tags(p, s, &tags, e) || !resolve_apart(p, s, &tags, ret_id, e))
        return false;
    if (*ret_id)
        p->series++;
    else
        reasons_add(reasons, "tags_taken", s->readings);
    return true;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const char *const *)a, y = (uintptr_t) * (const char *const *)b;
    return (x > y) - (x < y);
}

/* Usage points that have a bill; the reader keeps each text once. */
static bool resolve_count_billed(const struct parse *p, size_t *ret_count, struct err *e)
{
    size_t count = espi_bill_count(p->espi), distinct = 0;
    const char **points CLEANUP(free_at) = calloc(count + 1, sizeof *points);
    if (!points)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu bills", count);
    for (size_t i = 0; i < count; i++)
        points[i] = espi_bill_at(p->espi, i)->usage_point;
    qsort(points, count, sizeof *points, by_address);
    for (size_t i = 0; i < count; i++)
        distinct += points[i] && (i == 0 || points[i] != points[i - 1]);
    *ret_count = distinct;
    return true;
}

/* Before any is made: what is refused leaves nothing behind. */
static bool resolve_refuse_many(const struct parse *p, size_t count, struct err *e)
{
    size_t series = 0, billed = 0;
    int64_t most = p->task->settings->feed.max_series;
    for (size_t i = 0; i < count; i++)
        series += espi_series_at(p->espi, i)->readings > 0;
    if (!resolve_count_billed(p, &billed, e))
        return false;
    return series + billed <= (size_t)most ||
           err_set(e, ERR_REJECT, "too_many_series",
                   "readings of %zu series and bills of %zu meters, more than feed.max_series "
                   "(%" PRId64 ")",
                   series, billed, most);
}

/* The lease is looked at behind the lock: it may have run out while that was
 * waited for. */
static bool resolve_begin(struct parse *p, struct err *e)
{
    struct pg *pg = p->task->pg;
    return pg_begin(pg, e) && series_lock(pg, p->record.building_id, e) &&
           (!p->task->run || run_fence(pg, p->task->run, e));
}

static bool resolve_all(struct parse *p, int64_t *ids, size_t count,
                        struct resolve_reasons *reasons, struct err *e)
{
    if (!resolve_begin(p, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct espi_series s = resolve_series_at(p, i);
        if (s.readings &&
            (!task_go_on(p->task, "resolving", e) || !resolve_one(p, &s, &ids[i], reasons, e)))
            return false;
    }
    return (p->is_draft || series_mark_same(p->task->pg, p->record.building_id, e)) &&
           pg_commit(p->task->pg, e);
}

static bool resolve_stage_groups(struct parse *p, const int64_t *ids, struct err *e)
{
    for (size_t group = 0; group < espi_group_count(p->espi); group++) {
        size_t i = espi_series_of_group(p->espi, (uint32_t)group);
        const struct espi_series s = resolve_series_at(p, i);
        bool is_full = false;
        int64_t exponent = s.power_of_ten_multiplier;
        const struct stage_group row = {.group = (uint32_t)group,
                                        .feed_series = i,
                                        .series_id = ids[i],
                                        .exponent = exponent == ESPI_ABSENT ? 0 : exponent,
                                        .interval_s = espi_interval(&s),
                                        .is_summable = series_is_summable(&s),
                                        .without_costs = s.unreadable_costs,
                                        .is_estimated = s.default_quality == 8 ||
                                                        s.default_quality == 9 ||
                                                        s.default_quality == 12};
        if (!stage_group(p->stage, &row, &is_full, e) || (is_full && !stage_flush(p->stage, e)))
            return false;
    }
    return stage_flush(p->stage, e);
}

/* A file with readings of a meter that a record delivers, which are corrected there: half of them
 * would be wrong. */
static bool resolve_refuse_other_corrections(struct parse *p, struct err *e)
{
    int64_t record = 0;
    if (!p->by_hand || !record_option_other(p->task->pg, &p->option, &record, e))
        return !p->by_hand;
    return !record || err_set(e, ERR_REJECT, "corrections_differ",
                              "readings of meters of record %" PRId64 ", which has corrections "
                              "(record show %" PRId64 "): give import the same",
                              record, record);
}

/* --- registers ------------------------------------------------------------------------------ */

/* What accumulation 1 or 9 holds: as a person decided, as it was found before, or by its values. */
static bool resolve_judge_register(struct parse *p, int64_t id, enum stage_register *ret_is,
                                   struct err *e)
{
    bool is_known = false, is_register = false;
    const char *registers = p->option.of[OPTION_REGISTERS];
    if (*registers) {
        *ret_is = strcmp(registers, "deltas") == 0 ? STAGE_DELTAS : STAGE_REGISTER;
        return true;
    }
    if (!series_register(p->task->pg, id, &is_known, &is_register, e))
        return false;
    if (!is_known)
        return stage_judge_register(p->stage, id, ret_is, e);
    *ret_is = is_register ? STAGE_REGISTER : STAGE_DELTAS;
    return true;
}

static bool resolve_register(struct parse *p, const struct espi_series *s, int64_t id,
                             struct resolve_reasons *reasons, struct err *e)
{
    enum stage_register is = STAGE_DELTAS;
    if (!s->readings || !resolve_judge_register(p, id, &is, e))
        return !s->readings;
    p->has_registers |= is == STAGE_REGISTER;
    if (is == STAGE_UNCLEAR) {
        reasons_add(reasons, "register_or_amounts", s->readings);
        p->series--;
    }
    return (is == STAGE_DELTAS || stage_set_register(p->stage, id, is, e)) &&
           (is == STAGE_UNCLEAR || p->is_draft ||
            series_set_register(p->task->pg, id, is == STAGE_REGISTER, e));
}

/* bulkQuantity, and summation: a register that counts at some times only. */
static bool is_register_kind(const struct espi_series *s)
{
    return (s->accumulation_behaviour == 1 || s->accumulation_behaviour == 9) &&
           series_is_summable(s);
}

static bool resolve_registers(struct parse *p, const int64_t *ids, size_t count,
                              struct resolve_reasons *reasons, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        const struct espi_series s = resolve_series_at(p, i);
        if (ids[i] && is_register_kind(&s) && !task_go_on(p->task, "resolving", e))
            return false;
        if (ids[i] && is_register_kind(&s) && !resolve_register(p, &s, ids[i], reasons, e))
            return false;
    }
    return true;
}

static bool resolve_refuse_mixed(struct parse *p, struct resolve_reasons *reasons, struct err *e)
{
    int64_t refused = 0;
    if (!stage_refuse_mixed(p->stage, &refused, e))
        return false;
    for (int64_t i = 0; i < refused; i++)
        reasons_add(reasons, "same_tags", 0);
    p->series -= (size_t)refused;
    return true;
}

/* --- bills ---------------------------------------------------------------------------------- */

/* A bill's meter is one of its own: it never adds up with the intervals of the same usage point. */
static void resolve_bill_tags(struct series_tags *tags)
{
    char *meter = tags->values[TAG_CUSTOM_METER_ID];
    size_t keep = strlen(meter), room = SERIES_TAG_BYTES - sizeof ".bill";
    snprintf(meter + (keep < room ? keep : room), sizeof ".bill", ".bill");
    snprintf(tags->values[TAG_READING_KIND], SERIES_TAG_BYTES, "bill");
}

/* Who is billed for what: a series without readings. */
static struct espi_series resolve_bill_series(const struct parse *p, const struct espi_bill *b)
{
    struct correction naming = p->correction; /* a bill has a multiplier and a time of its own */
    struct espi_series s = espi_series_unknown();
    naming.has_multiplier = false;
    naming.shift_s = 0;
    s.usage_point = b->usage_point;
    s.service_kind = b->service_kind;
    s.commodity = b->commodity;
    s.uom = b->value == ESPI_ABSENT ? ESPI_ABSENT : b->uom;
    return correction_series(&naming, &s);
}

static const char *resolve_bill_fault(const struct parse *p, const struct espi_bill *b)
{
    if (!b->usage_point && !p->correction.meter)
        return "bill_without_usage_point";
    if (b->start_s == ESPI_ABSENT || b->duration_s == ESPI_ABSENT || b->duration_s <= 0 ||
        b->start_s < BILL_LEAST_S || b->start_s > BILL_MOST_S || b->duration_s > UINT32_MAX)
        return "bill_without_period";
    if (b->value != ESPI_ABSENT && b->uom == ESPI_ABSENT)
        return "bill_without_unit";
    if (b->power_of_ten_multiplier != ESPI_ABSENT &&
        (b->power_of_ten_multiplier < -DECIMAL_MAX_EXPONENT ||
         b->power_of_ten_multiplier > DECIMAL_MAX_EXPONENT))
        return "bill_multiplier";
    return NULL;
}

static bool resolve_bill_claim(struct parse *p, const struct espi_series *s, int64_t *ret_id,
                               struct resolve_reasons *reasons, struct err *e)
{
    struct series_tags tags;
    struct err why = {0};
    *ret_id = 0;
    if (!series_tags_of(s, p->record.building_id, &tags, &why)) {
        reasons_add(reasons, why.code, 0);
        return true;
    }
    resolve_bill_tags(&tags);
    if (!resolve_tags(p, s, &tags, e) || !resolve_apart(p, s, &tags, ret_id, e))
        return false;
    if (!*ret_id)
        reasons_add(reasons, "tags_taken", 0);
    return true;
}

static bool resolve_bill(struct parse *p, const struct espi_bill *b,
                         struct resolve_reasons *reasons, struct err *e)
{
    const char *fault = resolve_bill_fault(p, b);
    bool is_full = false;
    if (b->value == ESPI_ABSENT && b->amount == ESPI_ABSENT)
        return true; /* a status without figures */
    if (fault) {
        reasons_add(reasons, fault, 0);
        return true;
    }
    const struct espi_series s = resolve_bill_series(p, b);
    struct stage_bill row = {
        .start_s = b->start_s,
        .length_s = b->duration_s,
        .value = b->value,
        .exponent = b->power_of_ten_multiplier == ESPI_ABSENT ? 0 : b->power_of_ten_multiplier,
        .cost = correction_cost(&p->correction, b->amount),
        .updated_s = b->updated_s};
    if (!resolve_bill_claim(p, &s, &row.series_id, reasons, e))
        return false;
    return !row.series_id ||
           (stage_bill(p->stage, &row, &is_full, e) && (!is_full || stage_flush(p->stage, e)));
}

static bool resolve_bills(struct parse *p, struct resolve_reasons *reasons, struct err *e)
{
    size_t count = espi_bill_count(p->espi);
    if (!count)
        return true;
    if (!resolve_begin(p, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!task_go_on(p->task, "resolving", e) ||
            !resolve_bill(p, espi_bill_at(p->espi, i), reasons, e))
            return false;
    return pg_commit(p->task->pg, e) && stage_flush(p->stage, e);
}

/* What was odd about the feed, with its place: a few, the rest as a number. */
#define RESOLVE_PROBLEMS 5

static void resolve_tell_problems(const struct parse *p)
{
    size_t count = espi_problem_count(p->espi);
    uint64_t all = count + espi_problems_not_kept(p->espi);
    for (size_t i = 0; i < count && i < RESOLVE_PROBLEMS; i++) {
        const struct espi_problem *problem = espi_problem_at(p->espi, i);
        log_event(LOG_LEVEL_WARNING, "feed_problem",
                  "record=%" PRId64 " code=%s count=%" PRIu64 " line=%" PRIu64
                  " where=%s of=%" PRIu64,
                  p->record.id, problem->code, problem->count, problem->line, problem->where, all);
    }
}

/* Everything else that was told, by its code: how often, and the first place.
 */
static void resolve_note_told(struct parse *p)
{
    size_t used = 0, count = espi_problem_count(p->espi);
    p->told[0] = '\0';
    for (size_t i = 0; i < count && used < PARSE_NOTE; i++) {
        const struct espi_problem *first = espi_problem_at(p->espi, i);
        uint64_t times = 0;
        bool is_first = !espi_odd_is_counted(espi_odd_of_code(first->code));
        for (size_t j = 0; j < count; j++) {
            const struct espi_problem *other = espi_problem_at(p->espi, j);
            if (strcmp(other->code, first->code) != 0)
                continue;
            is_first = is_first && j >= i;
            times += other->count;
        }
        if (is_first)
            used +=
                (size_t)snprintf(p->told + used, PARSE_NOTE - used,
                                 "%s%s: %" PRIu64 ", first at line %" PRIu64 " (%s)",
                                 used ? "; " : "", first->code, times, first->line, first->where);
    }
}

bool resolve_series(struct parse *p, struct err *e)
{
    struct resolve_reasons reasons = {.count = 0};
    size_t count = espi_series_count(p->espi);
    int64_t *ids CLEANUP(free_at) = calloc(count + 1, sizeof *ids);
    if (!ids)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu series", count);
    const struct plausible_decided decided = {.multiplier = p->correction.has_multiplier,
                                              .cost_scale = p->correction.has_cost_scale};
    if (!task_go_on(p->task, "resolving", e) || !resolve_refuse_many(p, count, e) ||
        !plausible_judge(&p->plausible, &decided, p->espi, e) ||
        !resolve_all(p, ids, count, &reasons, e) || !resolve_stage_groups(p, ids, e) ||
        !resolve_refuse_other_corrections(p, e) || !resolve_registers(p, ids, count, &reasons, e) ||
        !resolve_bills(p, &reasons, e) || !resolve_refuse_mixed(p, &reasons, e))
        return false;
    resolve_tell_problems(p);
    resolve_note_told(p);
    if (p->anothers) {
        size_t used = strlen(p->told);
        snprintf(p->told + used, PARSE_NOTE - used, "%smeter_of_another_record: %zu, kept apart",
                 used ? "; " : "", p->anothers);
    }
    p->skipped_readings = espi_skipped(p->espi, p->skipped, sizeof p->skipped);
    plausible_free(&p->plausible);
    reasons_text(&reasons, p->unresolved);
    espi_free(p->espi); /* what it kept is not needed while KairosDB is written */
    p->espi = NULL;
    return stage_count(p->stage, &p->wanted, &p->counts, e);
}
