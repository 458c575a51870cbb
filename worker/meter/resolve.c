/* Second step of a parse: each series of the feed gets its tags, its meter and its id, or a reason
 * why not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books/series.h"
#include "meter/decimal.h"
#include "meter/parse.h"
#include "meter/series_tags.h"

/* Reasons are few, series may be many: each reason once, with the number of its series. */
#define RESOLVE_REASONS 12

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

static int64_t tag_number(const struct series_tags *tags, enum series_tag tag)
{
    return strtoll(tags->values[tag], NULL, 10);
}

/* "GreenButton electricity forward Wh 900 s": SEED's prefix, and what sets it apart for people. */
static void resolve_meter_name(const struct series_tags *tags, char *out, size_t size)
{
    const char *interval = tags->values[TAG_INTERVAL];
    bool has_interval = strspn(interval, "0123456789") == strlen(interval);
    snprintf(out, size, "GreenButton %s %s %s%s%s%s", tags->values[TAG_ENERGY_TYPE],
             tags->values[TAG_FLOW], tags->values[TAG_UOM], has_interval ? " " : "",
             has_interval ? interval : "", has_interval ? " s" : "");
}

static bool resolve_claim(struct parse *p, const struct espi_series *s,
                          const struct series_tags *tags, const char *source,
                          enum series_owner *ret_owner, int64_t *ret_id, struct err *e)
{
    char key[SERIES_KEY_BYTES], name[5 * SERIES_TAG_BYTES];
    struct buf json CLEANUP(buf_free) = buf_make(4 * SERIES_KEY_BYTES);
    resolve_meter_name(tags, name, sizeof name);
    if (!series_tags_json(tags, &json, e))
        return false;
    const struct series_claim claim = {
        .tag_key = series_tags_key(tags, key),
        .tags = json.data,
        .source = source,
        .record_id = p->record.id,
        .is_summable = series_is_summable(s),
        .meter = {.building_id = p->record.building_id,
                  .name = name,
                  .custom_meter_id = tags->values[TAG_CUSTOM_METER_ID],
                  .energy_type = tag_number(tags, TAG_ENERGY_TYPE_INT),
                  .energy_units = tag_number(tags, TAG_UOM_INT),
                  .may_be_seeds = s->flow_direction != 19}};
    return series_claim(p->task->pg, &claim, ret_owner, ret_id, e);
}

/* Plain tags first; where another meter has them, tags that tell this one apart. */
static bool resolve_one(struct parse *p, const struct espi_series *s, int64_t *ret_id,
                        struct resolve_reasons *reasons, struct err *e)
{
    struct series_tags tags;
    struct err why = {0};
    char source[SERIES_KEY_BYTES];
    enum series_owner owner = SERIES_OURS;
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
    series_source(s, *p->record.sub_id ? p->record.sub_id : p->record.url, source);
    if (!resolve_claim(p, s, &tags, source, &owner, ret_id, e))
        return false;
    if (owner == SERIES_TAKEN) {
        series_tags_distinguish(&tags, source);
        if (!resolve_claim(p, s, &tags, source, &owner, ret_id, e))
            return false;
    }
    if (owner == SERIES_TAKEN)
        reasons_add(reasons, "tags_taken", s->readings);
    else
        p->series++;
    return true;
}

static bool resolve_all(struct parse *p, int64_t *ids, size_t count,
                        struct resolve_reasons *reasons, struct err *e)
{
    if (!pg_begin(p->task->pg, e) || !series_lock(p->task->pg, p->record.building_id, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!resolve_one(p, espi_series_at(p->espi, i), &ids[i], reasons, e))
            return false;
    return pg_commit(p->task->pg, e);
}

static bool resolve_stage_groups(struct parse *p, const int64_t *ids, struct err *e)
{
    for (size_t group = 0; group < espi_group_count(p->espi); group++) {
        size_t i = espi_series_of_group(p->espi, (uint32_t)group);
        const struct espi_series *s = espi_series_at(p->espi, i);
        bool is_full = false;
        int64_t exponent = s->power_of_ten_multiplier;
        const struct stage_group row = {.group = (uint32_t)group,
                                        .feed_series = i,
                                        .series_id = ids[i],
                                        .exponent = exponent == ESPI_ABSENT ? 0 : exponent,
                                        .interval_s = s->interval_length};
        if (!stage_group(p->stage, &row, &is_full, e) || (is_full && !stage_flush(p->stage, e)))
            return false;
    }
    return stage_flush(p->stage, e);
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

static void free_ids(int64_t **ids)
{
    free(*ids);
}

bool resolve_series(struct parse *p, struct err *e)
{
    struct resolve_reasons reasons = {.count = 0};
    size_t count = espi_series_count(p->espi);
    int64_t *ids CLEANUP(free_ids) = calloc(count + 1, sizeof *ids);
    if (!ids)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu series", count);
    if (!task_go_on(p->task, "resolving", e) || !resolve_all(p, ids, count, &reasons, e) ||
        !resolve_stage_groups(p, ids, e) || !resolve_refuse_mixed(p, &reasons, e))
        return false;
    reasons_text(&reasons, p->unresolved);
    espi_free(p->espi); /* what it kept is not needed while KairosDB is written */
    p->espi = NULL;
    return stage_count(p->stage, &p->wanted, &p->counts, e);
}
