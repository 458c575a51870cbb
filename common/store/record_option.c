/* meterbeat.record_option: what a person decides about a record's feed, and
 * meterbeat.record_change: who did, and when. */
#include "common/store/record_option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *record_option_name(enum record_option_name name)
{
    static const char *const names[RECORD_OPTIONS] = {
        [OPTION_TIME_ZONE] = "time_zone",   [OPTION_HEAT_CONTENT] = "heat_content",
        [OPTION_REGISTERS] = "registers",   [OPTION_MULTIPLIER] = "multiplier",
        [OPTION_COST_SCALE] = "cost_scale", [OPTION_SHIFT] = "shift",
        [OPTION_METER] = "meter",           [OPTION_SERVICE] = "service"};
    return names[name];
}

static bool option_read(struct pg *p, const char *id, bool for_update, struct record_option *ret,
                        struct err *e)
{
    *ret = (struct record_option){0};
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 for_update ? "SELECT time_zone, heat_content, registers, multiplier, cost_scale,"
                              " shift, meter, service, generation FROM meterbeat.record_option"
                              " WHERE record_id = $1 FOR UPDATE"
                            : "SELECT time_zone, heat_content, registers, multiplier, cost_scale,"
                              " shift, meter, service, generation FROM meterbeat.record_option"
                              " WHERE record_id = $1",
                 PG_ARGS(id));
    if (!r)
        return false;
    for (int i = 0; PQntuples(r) && i < RECORD_OPTIONS; i++)
        if (!PQgetisnull(r, 0, i))
            snprintf(ret->of[i], RECORD_OPTION_TEXT, "%s", pg_text(r, 0, i));
    if (PQntuples(r))
        ret->generation = pg_int(r, 0, RECORD_OPTIONS, 0);
    return true;
}

bool record_option_get(struct pg *p, int64_t record_id, struct record_option *ret_option,
                       struct err *e)
{
    char id[PG_NUMBER];
    return option_read(p, pg_number(record_id, id), false, ret_option, e);
}

/* Days are booked by the zone their series began with. */
static bool option_zone_is_free(struct pg *p, const char *id, bool is_other_zone, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT EXISTS (SELECT FROM seed_ts_parser_record WHERE id = $1::bigint),"
                 " EXISTS (SELECT FROM meterbeat.day d WHERE d.record_id = $1::bigint)",
                 PG_ARGS(id));
    if (!r)
        return false;
    if (!pg_bool(r, 0, 0))
        return err_set(e, ERR_REJECT, "no_record", "there is no record %s", id);
    if (is_other_zone && pg_bool(r, 0, 1))
        return err_set(e, ERR_REJECT, "zone_in_use",
                       "time_zone: record %s has readings booked by the days of its zone", id);
    return true;
}

static bool option_store(struct pg *p, const char *id, const struct record_option *o, struct err *e)
{
    const char *texts[RECORD_OPTIONS];
    char generation[PG_NUMBER];
    for (int i = 0; i < RECORD_OPTIONS; i++)
        texts[i] = *o->of[i] ? o->of[i] : NULL;
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.record_option (record_id, time_zone, heat_content,"
                 " registers, multiplier, cost_scale, shift, meter, service, generation)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (record_id)"
                 " DO UPDATE SET (time_zone, heat_content, registers, multiplier, cost_scale,"
                 " shift, meter, service, generation) = (excluded.time_zone,"
                 " excluded.heat_content, excluded.registers, excluded.multiplier,"
                 " excluded.cost_scale, excluded.shift, excluded.meter, excluded.service,"
                 " excluded.generation)",
                 PG_ARGS(id, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6],
                         texts[7], pg_number(o->generation, generation)));
}

static bool option_log(struct pg *p, const char *id, const struct record_option *before,
                       const struct record_option *after, const char *who, struct err *e)
{
    for (int i = 0; i < RECORD_OPTIONS; i++)
        if (strcmp(before->of[i], after->of[i]) != 0 &&
            !pg_do(p, e, NULL,
                   "INSERT INTO meterbeat.record_change (record_id, name, before, after, who)"
                   " VALUES ($1, $2, $3, $4, $5 || ' (' || current_user || ')')",
                   PG_ARGS(id, record_option_name((enum record_option_name)i), before->of[i],
                           after->of[i], who)))
            return false;
    return true;
}

static bool option_differs(const struct record_option *a, const struct record_option *b,
                           enum record_option_name name)
{
    return strcmp(a->of[name], b->of[name]) != 0;
}

/* Starts in milliseconds were none that anything is stored at. */
static bool is_other_meters(const struct record_option *before, const struct record_option *after)
{
    bool shifts =
        option_differs(before, after, OPTION_SHIFT) &&
        (strcmp(before->of[OPTION_SHIFT], "milliseconds") != 0 ||
         *after->of[OPTION_SHIFT] != '\0') &&
        (strcmp(after->of[OPTION_SHIFT], "milliseconds") != 0 || *before->of[OPTION_SHIFT] != '\0');
    return shifts || option_differs(before, after, OPTION_METER) ||
           option_differs(before, after, OPTION_SERVICE);
}

static struct record_option_effect effect_of(const struct record_option *before,
                                             const struct record_option *after)
{
    struct record_option_effect effect = {0};
    for (int i = 0; i < RECORD_OPTIONS; i++)
        effect.is_changed |= option_differs(before, after, (enum record_option_name)i);
    effect.is_other_values = option_differs(before, after, OPTION_MULTIPLIER) ||
                             option_differs(before, after, OPTION_COST_SCALE) ||
                             option_differs(before, after, OPTION_SHIFT);
    effect.is_other_meters = is_other_meters(before, after);
    return effect;
}

/* What the readings leave behind; a claim takes back what they come to after all. */
static bool option_supersede(struct pg *p, const char *id, bool with_bills, struct err *e)
{
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET superseded = true WHERE record_id = $1"
                 " AND ($2::boolean OR tags->>'reading_kind' <> 'bill')",
                 PG_ARGS(id, with_bills ? "t" : "f")) &&
           pg_do(p, e, NULL,
                 "UPDATE seed_meter SET name = left(name, 87) || ' (superseded)' WHERE id IN"
                 " (SELECT meter_id FROM meterbeat.series WHERE record_id = $1 AND superseded)"
                 " AND name LIKE 'GreenButton %' AND name NOT LIKE '% (superseded)'",
                 PG_ARGS(id));
}

bool record_option_set(struct pg *p, int64_t record_id, const struct record_option *option,
                       const char *who, struct record_option_effect *ret_effect, struct err *e)
{
    char id[PG_NUMBER];
    struct record_option before, after = *option;
    if (!option_read(p, pg_number(record_id, id), true, &before, e))
        return false;
    struct record_option_effect effect = effect_of(&before, &after);
    bool with_bills = option_differs(&before, &after, OPTION_SERVICE);
    bool is_new = effect.is_other_values || effect.is_other_meters;
    *ret_effect = effect;
    after.generation = before.generation + is_new;
    if (!option_zone_is_free(p, id, option_differs(&before, &after, OPTION_TIME_ZONE), e))
        return false;
    if (!effect.is_changed)
        return true;
    return option_store(p, id, &after, e) && option_log(p, id, &before, &after, who, e) &&
           (!effect.is_other_meters || option_supersede(p, id, with_bills, e)) &&
           /* "unchanged" would be said of what is to be read anew */
           (!is_new ||
            pg_do(p, e, NULL, "DELETE FROM meterbeat.validator WHERE record_id = $1", PG_ARGS(id)));
}

bool record_option_hold(struct pg *p, int64_t record_id, int64_t generation, struct err *e)
{
    char id[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT generation FROM meterbeat.record_option WHERE record_id = $1",
                 PG_ARGS(pg_number(record_id, id)));
    if (!r)
        return false;
    int64_t now = PQntuples(r) ? pg_int(r, 0, 0, 0) : 0;
    return now == generation ||
           err_set(e, ERR_RETRY, "record_changed",
                   "the corrections of record %" PRId64 " were changed while it was read",
                   record_id);
}

bool record_option_other(struct pg *p, const struct record_option *option, int64_t *ret_record_id,
                         struct err *e)
{
    const char *texts[RECORD_OPTIONS];
    for (int i = 0; i < RECORD_OPTIONS; i++)
        texts[i] = option->of[i];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT min(s.record_id) FROM stage_group g JOIN meterbeat.series s ON s.id = g.series_id"
        " JOIN meterbeat.record_option o ON o.record_id = s.record_id"
        " WHERE (coalesce(o.multiplier, ''), coalesce(o.cost_scale, ''), coalesce(o.shift, ''))"
        " <> ($1, $2, $3)",
        PG_ARGS(texts[OPTION_MULTIPLIER], texts[OPTION_COST_SCALE], texts[OPTION_SHIFT]));
    if (!r)
        return false;
    *ret_record_id = pg_int(r, 0, 0, 0);
    return true;
}

bool record_option_stale(struct pg *p, int64_t record_id, struct record_option_stale *ret_stale,
                         struct err *e)
{
    char id[PG_NUMBER];
    *ret_stale = (struct record_option_stale){0};
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT count(DISTINCT d.day_start), extract(epoch FROM min(d.day_start))::bigint,"
        " extract(epoch FROM max(d.day_start))::bigint FROM meterbeat.record_option o"
        " JOIN meterbeat.series s ON s.record_id = o.record_id"
        " JOIN meterbeat.day d ON d.series_id = s.id AND d.record_id = o.record_id"
        " WHERE o.record_id = $1 AND d.generation < o.generation AND d.readings > 0"
        " AND NOT (s.superseded AND EXISTS (SELECT FROM meterbeat.series t JOIN meterbeat.day n"
        "  ON n.series_id = t.id WHERE t.record_id = o.record_id AND NOT t.superseded"
        "  AND n.day_start = d.day_start AND n.generation = o.generation))",
        PG_ARGS(pg_number(record_id, id)));
    if (!r)
        return false;
    *ret_stale = (struct record_option_stale){
        .days = pg_int(r, 0, 0, 0), .first_s = pg_int(r, 0, 1, 0), .last_s = pg_int(r, 0, 2, 0)};
    return true;
}

PGresult *record_option_changes(struct pg *p, int64_t record_id, int64_t most, struct err *e)
{
    char id[PG_NUMBER], number[PG_NUMBER];
    return pg_query(p, e,
                    "SELECT name, before, after, to_char(at AT TIME ZONE 'UTC',"
                    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), who FROM meterbeat.record_change"
                    " WHERE record_id = $1 ORDER BY id DESC LIMIT $2",
                    PG_ARGS(pg_number(record_id, id), pg_number(most, number)));
}
