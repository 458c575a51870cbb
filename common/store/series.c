/* meterbeat.series: what one KairosDB series is, whose it is, and the meter it is summed into. */
#include "common/store/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool series_lock(struct pg *p, const char *building_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT pg_advisory_xact_lock(hashtextextended('meterbeat series ' || $1, 0))",
        PG_ARGS(building_id));
    return r != NULL;
}

bool series_is_adopted(const char *known, const char *claimed)
{
    size_t len = strlen(known);
    return len && known[len - 1] == '@' && strncmp(known, claimed, len) == 0 &&
           !strchr(claimed + len, '@');
}

bool series_find_source(struct pg *p, const char *building_id, char *source, size_t size,
                        struct err *e)
{
    size_t len = strlen(source);
    if (!len || source[len - 1] != '@')
        return true;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT source FROM meterbeat.series WHERE tags->>'canonical_id' = $1"
                 " AND starts_with(source, $2) ORDER BY id LIMIT 1",
                 PG_ARGS(building_id, source));
    if (!r)
        return false;
    if (PQntuples(r) && strlen(pg_text(r, 0, 0)) < size)
        snprintf(source, size, "%s", pg_text(r, 0, 0));
    return true;
}

bool series_is_known(struct pg *p, const char *tag_key, bool *ret_known, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT EXISTS (SELECT FROM meterbeat.series WHERE tag_key = $1)", PG_ARGS(tag_key));
    if (!r)
        return false;
    *ret_known = pg_bool(r, 0, 0);
    return true;
}

struct series_numbers {
    char type[PG_NUMBER], units[PG_NUMBER], record[PG_NUMBER], numerator[40], denominator[40];
};

static void series_numbers(const struct series_claim *c, struct series_numbers *n)
{
    pg_number(c->meter.energy_type, n->type);
    pg_number(c->meter.energy_units, n->units);
    pg_number(c->record_id, n->record);
    snprintf(n->numerator, sizeof n->numerator, "%.17g", c->numerator);
    snprintf(n->denominator, sizeof n->denominator, "%.17g", c->denominator);
}

static bool series_insert(struct pg *p, const struct series_claim *c, int64_t *ret_id,
                          struct err *e)
{
    char meter[PG_NUMBER], rank[PG_NUMBER];
    struct series_numbers n;
    int64_t meter_id = 0;
    series_numbers(c, &n);
    if (!meter_claim(p, &c->meter, &meter_id, e))
        return false;
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "INSERT INTO meterbeat.series (tag_key, tags, source, meter_id, record_id, is_summable,"
        " seed_type, seed_unit, numerator, denominator, time_zone, energy_group, energy_part,"
        " energy_rank) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " RETURNING id",
        PG_ARGS(c->tag_key, c->tags, c->source, pg_number(meter_id, meter), n.record,
                c->is_summable ? "t" : "f", n.type, n.units, n.numerator, n.denominator,
                c->time_zone, c->energy_group, c->energy_part, pg_number(c->energy_rank, rank)));
    if (!r)
        return false;
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

/* What the series was stored with before. */
struct series_row {
    int64_t id, meter_id, record_id;
    int64_t seed_type, seed_unit;
    double numerator, denominator;
    bool is_superseded;
};

/* The meter's sums follow its unit, in one transaction: a row never says one unit and holds
 * another.
 */
static bool series_convert(struct pg *p, const struct series_claim *c, const struct series_row *row,
                           struct err *e)
{
    char id[PG_NUMBER];
    struct series_numbers n;
    series_numbers(c, &n);
    double factor = c->numerator / c->denominator / (row->numerator / row->denominator);
    if (row->seed_type == c->meter.energy_type && row->seed_unit == c->meter.energy_units &&
        fabs(factor - 1) < 1e-15)
        return true;
    /* an aggregate at work has read the old factor: its month stays dirty; and locked before the
     * meter, as everywhere */
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.dirty_month SET generation = generation + 1"
                 " WHERE series_id = $1",
                 PG_ARGS(pg_number(row->id, id))) &&
           meter_convert(p, row->meter_id, &c->meter, factor, e) &&
           pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET seed_type = $2, seed_unit = $3, numerator = $4,"
                 " denominator = $5 WHERE id = $1",
                 PG_ARGS(id, n.type, n.units, n.numerator, n.denominator));
}

bool series_is_anothers(const struct series_claim *c, int64_t record_id)
{
    return c->is_manual && record_id != c->record_id;
}

/* Zone and unit, as the record's options have them now. */
static bool series_decide(struct pg *p, const struct series_claim *c, const struct series_row *row,
                          struct err *e)
{
    char number[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET time_zone = $2 WHERE id = $1"
                 " AND time_zone IS DISTINCT FROM $2"
                 " AND NOT EXISTS (SELECT FROM meterbeat.day WHERE series_id = $1)",
                 PG_ARGS(pg_number(row->id, number), c->time_zone)) &&
           series_convert(p, c, row, e);
}

static bool series_keep(struct pg *p, const struct series_claim *c, const struct series_row *row,
                        struct err *e)
{
    char number[PG_NUMBER], record[PG_NUMBER], rank[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET (energy_group, energy_part, energy_rank) ="
                 " ($2::text, $3::text, $4::bigint) WHERE id = $1 AND (energy_group, energy_part,"
                 " energy_rank) IS DISTINCT FROM ($2::text, $3::text, $4::bigint)",
                 PG_ARGS(pg_number(row->id, number), c->energy_group, c->energy_part,
                         pg_number(c->energy_rank, rank))) &&
           pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET record_id = CASE WHEN $4 THEN record_id ELSE $2 END,"
                 " is_summable = $3, source = $5, superseded = false WHERE id = $1"
                 " AND ((record_id <> $2 AND NOT $4) OR is_summable <> $3 OR source <> $5"
                 " OR superseded)",
                 PG_ARGS(number, pg_number(c->record_id, record), c->is_summable ? "t" : "f",
                         c->is_manual ? "t" : "f", c->source)) &&
           (!row->is_superseded || meter_counts_again(p, row->meter_id, e)) &&
           (series_is_anothers(c, row->record_id) || series_decide(p, c, row, e)) &&
           meter_link(p, row->meter_id, c->meter.building_id, e);
}

/* Whose a series of another record is. A record of the same feed is the same;
 * what a file began is whoever's delivers it. */
static bool series_ask_owner(struct pg *p, const struct series_claim *c, int64_t owner,
                             enum series_owner *ret_owner, struct err *e)
{
    char mine[PG_NUMBER], other[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT o.url LIKE 'import:%' OR (o.url = m.url AND "
                 "btrim(coalesce(o.sub_id, '')) ="
                 " btrim(coalesce(m.sub_id, ''))),"
                 " lower(btrim(o.active)) IN ('y', 'yes', 'true', 't', '1', "
                 "'on', 'active')"
                 " FROM seed_ts_parser_record o, seed_ts_parser_record m WHERE "
                 "o.id = $1::bigint"
                 " AND m.id = $2::bigint",
                 PG_ARGS(pg_number(owner, other), pg_number(c->record_id, mine)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        *ret_owner = SERIES_LEFT;
    else if (!pg_bool(r, 0, 0))
        *ret_owner = pg_bool(r, 0, 1) ? SERIES_ANOTHERS : SERIES_LEFT;
    return true;
}

bool series_claim(struct pg *p, const struct series_claim *c, enum series_owner *ret_owner,
                  int64_t *ret_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT id, source, meter_id, seed_type, seed_unit, numerator, denominator,"
                 " record_id, superseded FROM meterbeat.series WHERE tag_key = $1",
                 PG_ARGS(c->tag_key));
    if (!r)
        return false;
    *ret_owner = SERIES_OURS;
    if (PQntuples(r) == 0)
        return series_insert(p, c, ret_id, e);
    if (strcmp(pg_text(r, 0, 1), c->source) != 0 &&
        !series_is_adopted(pg_text(r, 0, 1), c->source)) {
        *ret_owner = SERIES_TAKEN;
        return true;
    }
    const struct series_row row = {.id = pg_int(r, 0, 0, 0),
                                   .meter_id = pg_int(r, 0, 2, 0),
                                   .seed_type = pg_int(r, 0, 3, -1),
                                   .seed_unit = pg_int(r, 0, 4, -1),
                                   .numerator = pg_double(r, 0, 5, 1),
                                   .denominator = pg_double(r, 0, 6, 1),
                                   .record_id = pg_int(r, 0, 7, 0),
                                   .is_superseded = pg_bool(r, 0, 8)};
    bool is_other = row.record_id != c->record_id && !c->is_manual && !c->takes_over;
    if (is_other && !series_ask_owner(p, c, row.record_id, ret_owner, e))
        return false;
    if (*ret_owner != SERIES_OURS)
        return true;
    *ret_id = row.id;
    return series_keep(p, c, &row, e);
}

bool series_mark_same(struct pg *p, const char *building_id, struct err *e)
{
    return pg_do(p, e, NULL,
                 "WITH one AS (SELECT s.meter_id, CASE WHEN s.energy_part <> '' AND"
                 " bool_or(s.energy_part = '') OVER of_group THEN first_value(s.meter_id) "
                 "OVER whole"
                 " ELSE first_value(s.meter_id) OVER part END AS counts FROM "
                 "meterbeat.series s"
                 " WHERE s.tags->>'canonical_id' = $1 AND s.energy_group IS NOT NULL AND "
                 "NOT s.superseded"
                 " WINDOW of_group AS (PARTITION BY s.energy_group),"
                 " whole AS (PARTITION BY s.energy_group ORDER BY s.energy_part <> '', "
                 "s.energy_rank, s.id),"
                 " part AS (PARTITION BY s.energy_group, s.energy_part ORDER BY "
                 "s.energy_rank, s.id)),"
                 " named AS (SELECT m.id, left(regexp_replace(m.name, ' [(]same energy as "
                 "meter [0-9]+[)]$',"
                 " ''), 66) || CASE WHEN one.counts <> m.id THEN ' (same energy as meter "
                 "' || one.counts"
                 " || ')' ELSE '' END AS name FROM one JOIN seed_meter m ON m.id = "
                 "one.meter_id"
                 " WHERE m.name LIKE 'GreenButton %')"
                 " UPDATE seed_meter m SET name = named.name FROM named WHERE m.id = "
                 "named.id"
                 " AND m.name <> named.name",
                 PG_ARGS(building_id));
}

bool series_facts(struct pg *p, int64_t id, struct series_facts *ret_facts, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT tags::text, coalesce(time_zone, '') FROM meterbeat.series WHERE id = $1",
        PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) != 1 || strlen(pg_text(r, 0, 0)) >= sizeof ret_facts->tags)
        return err_set(e, ERR_RETRY, "no_series", "series %" PRId64 " is gone", id);
    snprintf(ret_facts->tags, sizeof ret_facts->tags, "%s", pg_text(r, 0, 0));
    snprintf(ret_facts->time_zone, sizeof ret_facts->time_zone, "%s", pg_text(r, 0, 1));
    return true;
}

bool series_register(struct pg *p, int64_t id, bool *ret_known, bool *ret_is_register,
                     struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT register FROM meterbeat.series WHERE id = $1",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    *ret_known = PQntuples(r) == 1 && !PQgetisnull(r, 0, 0);
    *ret_is_register = *ret_known && pg_bool(r, 0, 0);
    return true;
}

bool series_set_register(struct pg *p, int64_t id, bool is_register, struct err *e)
{
    char number[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET register = $2 WHERE id = $1"
                 " AND register IS DISTINCT FROM $2",
                 PG_ARGS(pg_number(id, number), is_register ? "t" : "f"));
}

bool series_store_registers(struct pg *p, int64_t to_s, struct err *e)
{
    char to[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series s SET register_s = r.start_s, register_value = r.value,"
                 " register_exponent = r.exponent FROM (SELECT DISTINCT ON (series_id) series_id,"
                 " start_s, value, exponent FROM stage_placed WHERE is_register"
                 " AND start_s >= 100000000 AND start_s < $1::bigint"
                 " ORDER BY series_id, start_s DESC, updated_s DESC, seq DESC) r"
                 " WHERE s.id = r.series_id AND (s.register_s IS NULL"
                 " OR s.register_s <= r.start_s)",
                 PG_ARGS(pg_number(to_s, to)));
}

/* $1 to $4: building, meter, from, to. */
#define SERIES_WITH_DAYS                                                                           \
    " FROM meterbeat.series s CROSS JOIN LATERAL (SELECT min(day_start) AS first_day,"             \
    " max(day_start) AS last_day FROM meterbeat.day WHERE series_id = s.id"                        \
    " AND day_start >= to_timestamp($3) AND day_start < to_timestamp($4)) d"                       \
    " WHERE d.first_day IS NOT NULL AND ($1::text IS NULL OR s.tags->>'canonical_id' = $1)"        \
    " AND ($2::bigint = 0 OR s.meter_id = $2)"

static struct series_ledger series_read(const PGresult *r, int i)
{
    struct series_ledger s = {.id = pg_int(r, i, 0, 0),
                              .meter_id = pg_int(r, i, 1, 0),
                              .record_id = pg_int(r, i, 2, 0),
                              .has_cost = pg_bool(r, i, 3),
                              .is_summable = pg_bool(r, i, 4),
                              .first_day_s = pg_int(r, i, 5, 0),
                              .last_day_s = pg_int(r, i, 6, 0)};
    snprintf(s.tags, sizeof s.tags, "%s", pg_text(r, i, 7));
    snprintf(s.time_zone, sizeof s.time_zone, "%s", pg_text(r, i, 8));
    return s;
}

bool series_page(struct pg *p, const struct series_question *q, struct series_ledger *ret_series,
                 size_t max, size_t *ret_count, struct err *e)
{
    char meter[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER], after[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT s.id, s.meter_id, s.record_id, s.has_cost, s.is_summable,"
                 " extract(epoch FROM d.first_day)::bigint,"
                 " extract(epoch FROM d.last_day)::bigint, s.tags::text,"
                 " coalesce(s.time_zone, '')" SERIES_WITH_DAYS
                 " AND s.id > $5 ORDER BY s.id LIMIT $6::bigint",
                 PG_ARGS(q->building_id, pg_number(q->meter_id, meter), pg_number(q->from_s, from),
                         pg_number(q->to_s, to), pg_number(q->after_id, after),
                         pg_number((int64_t)max, limit)));
    if (!r)
        return false;
    *ret_count = (size_t)PQntuples(r);
    for (size_t i = 0; i < *ret_count; i++)
        ret_series[i] = series_read(r, (int)i);
    return true;
}

bool series_count(struct pg *p, const struct series_question *q, int64_t *ret_count, struct err *e)
{
    char meter[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT count(*)" SERIES_WITH_DAYS,
                 PG_ARGS(q->building_id, pg_number(q->meter_id, meter), pg_number(q->from_s, from),
                         pg_number(q->to_s, to)));
    if (!r)
        return false;
    *ret_count = pg_int(r, 0, 0, 0);
    return true;
}

bool series_ledger_page(struct pg *p, int64_t within_s, int64_t settle_s, int64_t after_id,
                        struct series_ledger *ret_series, size_t max, size_t *ret_count,
                        struct err *e)
{
    char within[PG_NUMBER], settle[PG_NUMBER], after[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT s.id, s.meter_id, s.record_id, s.has_cost, s.is_summable,"
        " extract(epoch FROM d.first_day)::bigint, extract(epoch FROM d.last_day)::bigint,"
        " s.tags::text, coalesce(s.time_zone, '') FROM (SELECT series_id, min(day_start) AS"
        "  first_day, max(day_start) AS last_day FROM meterbeat.day"
        "  WHERE booked_at > now() - $1 * interval '1 s' AND booked_at <= now() - $2 * interval"
        "  '1 s' AND series_id > $3::bigint GROUP BY series_id ORDER BY series_id"
        "  LIMIT $4::bigint) d JOIN meterbeat.series s ON s.id = d.series_id ORDER BY s.id",
        PG_ARGS(pg_number(within_s, within), pg_number(settle_s, settle),
                pg_number(after_id, after), pg_number((int64_t)max, limit)));
    if (!r)
        return false;
    *ret_count = (size_t)PQntuples(r);
    for (size_t i = 0; i < *ret_count; i++)
        ret_series[i] = series_read(r, (int)i);
    return true;
}
