/* seed_meter: the row of a meter, made when it is first seen, and its link to the building. */
#include "common/store/meter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* SEED's ids are 32-bit integers; other building ids are names that only KairosDB sees. */
static bool meter_building_is_number(const char *building_id)
{
    size_t n = strlen(building_id);
    return n > 0 && n <= 9 && strspn(building_id, "0123456789") == n;
}

/* SEED's own tasks wrote ESPI's codes, a person may have written SEED's: either is the meter. */
static bool meter_find_seeds(struct pg *p, const struct meter_key *key, int64_t *ret_meter_id,
                             bool *ret_is_espi, struct err *e)
{
    char type[PG_NUMBER], units[PG_NUMBER], espi_type[PG_NUMBER], espi_units[PG_NUMBER];
    *ret_meter_id = 0;
    if (!key->may_be_seeds || !meter_building_is_number(key->building_id))
        return true;
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT m.id, m.energy_units = $6 AND m.energy_type = $5 FROM seed_meter m"
        " JOIN seed_meter_canonical_building l ON l.meter_id = m.id WHERE m.custom_meter_id = $1"
        " AND ((m.energy_type = $2 AND m.energy_units = $3)"
        "  OR (m.energy_type = $5 AND m.energy_units = $6)) AND l.canonicalbuilding_id = $4"
        " AND NOT EXISTS (SELECT FROM meterbeat.series s WHERE s.meter_id = m.id)"
        " ORDER BY m.id LIMIT 1",
        PG_ARGS(key->custom_meter_id, pg_number(key->energy_type, type),
                pg_number(key->energy_units, units), key->building_id,
                pg_number(key->espi_type, espi_type), pg_number(key->espi_units, espi_units)));
    if (!r)
        return false;
    if (PQntuples(r) == 1) {
        *ret_meter_id = pg_int(r, 0, 0, 0);
        *ret_is_espi = pg_bool(r, 0, 1);
    }
    return true;
}

bool meter_convert(struct pg *p, int64_t meter_id, const struct meter_key *key, double factor,
                   struct err *e)
{
    char id[PG_NUMBER], type[PG_NUMBER], units[PG_NUMBER], by[40];
    snprintf(by, sizeof by, "%.17g", factor);
    if (!pg_do(p, e, NULL,
               "UPDATE seed_meter SET energy_type = $2::integer, energy_units = $3::integer"
               " WHERE id = $1::integer",
               PG_ARGS(pg_number(meter_id, id), pg_number(key->energy_type, type),
                       pg_number(key->energy_units, units))))
        return false;
    return fabs(factor - 1) < 1e-15 ||
           pg_do(p, e, NULL,
                 "UPDATE seed_timeseries SET reading = reading * $2::float8"
                 " WHERE meter_id = $1::integer",
                 PG_ARGS(id, by));
}

bool meter_hold(struct pg *p, int64_t meter_id, struct err *e)
{
    char id[PG_NUMBER];
    return pg_do(p, e, NULL, "SELECT FROM seed_meter WHERE id = $1::integer FOR NO KEY UPDATE",
                 PG_ARGS(pg_number(meter_id, id)));
}

static bool meter_insert(struct pg *p, const struct meter_key *key, int64_t *ret_meter_id,
                         struct err *e)
{
    char type[PG_NUMBER], units[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "INSERT INTO seed_meter (name, energy_type, energy_units, custom_meter_id)"
                 " VALUES (left($1, 100), $2, $3, $4) RETURNING id",
                 PG_ARGS(key->name, pg_number(key->energy_type, type),
                         pg_number(key->energy_units, units), key->custom_meter_id));
    if (!r)
        return false;
    *ret_meter_id = pg_int(r, 0, 0, 0);
    return true;
}

bool meter_counts_again(struct pg *p, int64_t meter_id, struct err *e)
{
    char id[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE seed_meter SET name = left(name, -13) WHERE id = $1::integer"
                 " AND name LIKE '% (superseded)'",
                 PG_ARGS(pg_number(meter_id, id)));
}

bool meter_link(struct pg *p, int64_t meter_id, const char *building_id, struct err *e)
{
    char id[PG_NUMBER];
    if (!meter_building_is_number(building_id))
        return true;
    return pg_do(p, e, NULL,
                 "INSERT INTO seed_meter_canonical_building (meter_id, canonicalbuilding_id)"
                 " SELECT $1::integer, b.id FROM seed_canonicalbuilding b WHERE b.id = $2::integer"
                 " AND NOT EXISTS (SELECT FROM seed_meter_canonical_building l"
                 " WHERE l.meter_id = $1::integer AND l.canonicalbuilding_id = b.id)"
                 " ON CONFLICT DO NOTHING",
                 PG_ARGS(pg_number(meter_id, id), building_id));
}

bool meter_claim(struct pg *p, const struct meter_key *key, int64_t *ret_meter_id, struct err *e)
{
    int64_t id = 0;
    bool is_espi = false;
    if (!meter_find_seeds(p, key, &id, &is_espi, e) ||
        (is_espi && !meter_convert(p, id, key, key->factor, e)) ||
        (!id && !meter_insert(p, key, &id, e)) || !meter_link(p, id, key->building_id, e))
        return false;
    *ret_meter_id = id;
    return true;
}

/* A meter is a building's when it is linked to it, or when its series say so: building ids that
 * are no numbers have no link. */
PGresult *meter_months(struct pg *p, const char *building_id, int64_t most, struct err *e)
{
    char number[PG_NUMBER];
    return pg_query(
        p, e,
        "SELECT m.id, m.name, m.custom_meter_id, m.energy_units, s.service, s.flow,"
        " extract(epoch FROM t.begin_time)::bigint, extract(epoch FROM t.end_time)::bigint,"
        " t.reading, t.cost, EXISTS (SELECT FROM meterbeat.dirty_month d JOIN meterbeat.series x"
        "  ON x.id = d.series_id WHERE x.meter_id = m.id AND d.month_start = t.begin_time),"
        " m.energy_type, c.covered_s, c.expected_s, c.gaps, c.readings, c.estimated, s.zone,"
        " c.series_id IS NOT NULL, k.counted_by"
        " FROM seed_meter m JOIN seed_timeseries t ON t.meter_id = m.id"
        " LEFT JOIN LATERAL (SELECT string_agg(DISTINCT tags->>'energy_type', '/') AS service,"
        "  string_agg(DISTINCT CASE tags->>'reading_kind' WHEN 'bill' THEN 'bill'"
        "  ELSE tags->>'flow' END, '/') AS flow, max(time_zone) AS zone"
        "  FROM meterbeat.series WHERE meter_id = m.id) s ON true"
        " LEFT JOIN LATERAL (SELECT v.* FROM meterbeat.coverage v JOIN meterbeat.series x"
        "  ON x.id = v.series_id WHERE x.meter_id = m.id AND v.month_start = t.begin_time"
        "  AND v.month_end = t.end_time ORDER BY v.series_id LIMIT 1) c ON true"
        " LEFT JOIN LATERAL (SELECT counted_by FROM meterbeat.counted n WHERE n.meter_id = m.id"
        "  AND n.month_start = t.begin_time ORDER BY n.series_id LIMIT 1) k ON true"
        " WHERE isfinite(t.begin_time) AND isfinite(t.end_time) AND (EXISTS (SELECT FROM"
        "  seed_meter_canonical_building l WHERE l.meter_id = m.id"
        "  AND l.canonicalbuilding_id::text = $1) OR EXISTS (SELECT FROM meterbeat.series x"
        "  WHERE x.meter_id = m.id AND x.tags->>'canonical_id' = $1))"
        " ORDER BY m.id, t.begin_time, t.end_time LIMIT $2",
        PG_ARGS(building_id, pg_number(most, number)));
}
