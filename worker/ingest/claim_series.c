/* Finds or makes the stored series of a feed's series: its tags, its meter and its id. */
#include "worker/ingest/claim_series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/espi/local_time.h"
#include "common/espi/service.h"
#include "common/store/series_preview.h"
#include "worker/ingest/resolve_rules.h"
#include "worker/task/local_zone.h"

bool claim_begin(const struct ingest_request *r, struct err *e)
{
    struct pg *pg = r->task->pg;
    return pg_begin(pg, e) && series_lock(pg, r->record.building_id, e) &&
           (!r->task->run || run_fence(pg, r->task->run, e));
}

static int64_t tag_number(const struct series_tags *tags, enum series_tag tag)
{
    return strtoll(tags->values[tag], NULL, 10);
}

/* Of the series' days and months; NULL: the configured one. */
static const char *series_zone(const struct ingest_request *r, const struct espi_series *s)
{
    const char *zone = r->option.of[OPTION_TIME_ZONE];
    if (strcmp(zone, "feed") != 0)
        return *zone ? zone : NULL;
    struct local_time t =
        local_time_read(s->tz_offset_s, s->dst_offset_s, s->dst_start_rule, s->dst_end_rule);
    zone = local_time_zone(&t, local_zones());
    if (!zone)
        log_event(LOG_LEVEL_WARNING, "feed_zone_unknown", "record=%" PRId64 " reason=%s",
                  r->record.id, t.odd ? t.odd : "no_rules");
    return zone;
}

static bool claim_once(const struct ingest_request *r, const struct espi_series *s,
                       const struct series_tags *tags, const char *source, bool takes_over,
                       enum series_owner *ret_owner, int64_t *ret_id, struct err *e)
{
    struct series_energy energy;
    char key[SERIES_KEY_BYTES], name[METER_NAME];
    struct buf json CLEANUP(buf_free) = buf_make(4 * SERIES_KEY_BYTES);
    meter_name(tags, name);
    if (!series_tags_json(tags, &json, e))
        return false;
    bool conflict;
    int seed_type = units_seed_type(series_service(s, &conflict), s->commodity);
    struct units_seed seed =
        units_seed_of_gas(seed_type, s->uom, r->heat.amount > 0 ? &r->heat : NULL);
    bool is_bill = !strcmp(tags->values[TAG_READING_KIND], "bill");
    bool is_energy = !is_bill && series_energy_of(s, r->record.building_id, source, &energy);
    const struct series_claim claim = {
        .takes_over = takes_over,
        .energy_group = is_energy ? energy.group : NULL,
        .energy_part = is_energy ? energy.part : "",
        .energy_rank = is_energy ? energy.rank : 0,
        .tag_key = series_tags_key(tags, key),
        .tags = json.data,
        .source = source,
        .record_id = r->record.id,
        .is_summable = series_is_summable(s),
        .numerator = seed.numerator,
        .denominator = seed.denominator,
        .time_zone = is_bill ? NULL : series_zone(r, s),
        .is_manual = r->is_file,
        .meter = {.building_id = r->record.building_id,
                  .name = name,
                  .custom_meter_id = tags->values[TAG_CUSTOM_METER_ID],
                  .energy_type = seed_type,
                  .energy_units = seed.unit,
                  .espi_type = tag_number(tags, TAG_ENERGY_TYPE_INT),
                  .espi_units = tag_number(tags, TAG_UOM_INT),
                  .factor = seed.numerator / seed.denominator,
                  .may_be_seeds = s->flow_direction != 19}};
    return r->is_preview ? series_preview_claim(r->task->pg, &claim, ret_owner, ret_id, e)
                         : series_claim(r->task->pg, &claim, ret_owner, ret_id, e);
}

/* A file does not say which subscription it is of: the building's own meter is taken for the same.
 */
static bool find_source(const struct ingest_request *r, const struct espi_series *s,
                        char source[SERIES_KEY_BYTES], struct err *e)
{
    const struct record *record = &r->record;
    if (!r->is_file) {
        series_source(s, *record->sub_id ? record->sub_id : record->url, source);
        return true;
    }
    series_source(s, r->scope ? r->scope : "", source);
    return series_find_source(r->task->pg, record->building_id, source, SERIES_KEY_BYTES, e);
}

/* Plain tags first; then as claim_next says. */
static bool claim(const struct ingest_request *r, const struct espi_series *s,
                  struct series_tags *tags, struct claimed_series *ret_claimed, struct err *e)
{
    char source[SERIES_KEY_BYTES], own_source[SERIES_KEY_BYTES + 40], key[SERIES_KEY_BYTES];
    enum series_owner owner = SERIES_OURS;
    bool has_own = false, is_distinguished = false;
    int64_t *ret_id = &ret_claimed->series_id;
    *ret_claimed = (struct claimed_series){0};
    if (!find_source(r, s, source, e) || !claim_once(r, s, tags, source, false, &owner, ret_id, e))
        return false;
    if (claim_next(owner, is_distinguished, has_own) == CLAIM_DISTINGUISH) {
        is_distinguished = true;
        series_tags_distinguish(tags, source);
        if (!claim_once(r, s, tags, source, false, &owner, ret_id, e))
            return false;
    }
    if (claim_next(owner, is_distinguished, has_own) == CLAIM_DONE)
        return true;
    struct series_tags own = *tags;
    snprintf(own_source, sizeof own_source, "%.1300s#%" PRId64, source, r->record.id);
    series_tags_distinguish(&own, own_source);
    if (!series_is_known(r->task->pg, series_tags_key(&own, key), &has_own, e))
        return false;
    bool takes_over = claim_next(owner, is_distinguished, has_own) == CLAIM_TAKE_OVER;
    log_event(LOG_LEVEL_WARNING, takes_over ? "meter_taken_over" : "meter_of_another_record",
              "record=%" PRId64 " meter=%s", r->record.id, tags->values[TAG_CUSTOM_METER_ID]);
    if (takes_over)
        return claim_once(r, s, tags, source, true, &owner, ret_id, e);
    ret_claimed->is_apart = true;
    *tags = own;
    return claim_once(r, s, tags, own_source, true, &owner, ret_id, e);
}

/* A series keeps its tags: one that was begun by the usage point's category, as all were once, goes
 * on so. */
static bool known_tags(const struct ingest_request *r, const struct espi_series *s,
                       struct series_tags *tags, struct err *e)
{
    char key[SERIES_KEY_BYTES];
    struct series_tags before = *tags;
    bool known = false, conflict;
    (void)series_service(s, &conflict);
    if (!conflict || s->service_kind == ESPI_ABSENT)
        return true;
    series_tags_of_category(s, &before);
    if (!series_is_known(r->task->pg, series_tags_key(&before, key), &known, e))
        return false;
    if (known)
        *tags = before;
    return true;
}

bool claim_series(const struct ingest_request *r, const struct espi_series *s,
                  struct series_tags *tags, struct claimed_series *ret_claimed, struct err *e)
{
    return known_tags(r, s, tags, e) && claim(r, s, tags, ret_claimed, e);
}
