/* Series as a feed would have them, known or new, in a temporary table: for a dry run. */
#include "common/store/series_preview.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool series_preview_open(struct pg *p, struct err *e)
{
    return pg_script(
        p, e,
        "CREATE TEMPORARY TABLE IF NOT EXISTS series_draft (id bigint, meter_id integer,"
        " tag_key text UNIQUE, tags text, source text, is_summable boolean, unit integer,"
        " numerator float8, denominator float8, time_zone text);"
        "DELETE FROM series_draft");
}

/* What series_claim would leave in the series: what was there, or what is claimed. */
struct draft_terms {
    char own_unit[PG_NUMBER], own_numerator[40], own_denominator[40];
    const char *unit, *numerator, *denominator, *time_zone;
};

/* Columns of DRAFT_KNOWN. */
enum { ID, SOURCE, METER, IS_DRAFT, RECORD, NUMERATOR, DENOMINATOR, UNIT, ZONE, HAS_DAYS };

static const char *draft_known(const PGresult *r, int column)
{
    return PQgetisnull(r, 0, column) ? NULL : pg_text(r, 0, column);
}

static void draft_terms(const struct series_claim *c, const PGresult *known, struct draft_terms *t)
{
    bool is_known = PQntuples(known) == 1;
    bool is_anothers = is_known && series_is_anothers(c, pg_int(known, 0, RECORD, 0));
    bool keeps_zone = is_anothers || (is_known && pg_bool(known, 0, HAS_DAYS));
    snprintf(t->own_numerator, sizeof t->own_numerator, "%.17g", c->numerator);
    snprintf(t->own_denominator, sizeof t->own_denominator, "%.17g", c->denominator);
    pg_number(c->meter.energy_units, t->own_unit);
    t->unit = is_anothers ? draft_known(known, UNIT) : t->own_unit;
    t->numerator = is_anothers ? draft_known(known, NUMERATOR) : t->own_numerator;
    t->denominator = is_anothers ? draft_known(known, DENOMINATOR) : t->own_denominator;
    t->time_zone = keeps_zone ? draft_known(known, ZONE) : c->time_zone;
}

static bool draft_add(struct pg *p, const struct series_claim *c, const PGresult *known,
                      int64_t *ret_id, struct err *e)
{
    bool is_known = PQntuples(known) == 1;
    struct draft_terms t;
    draft_terms(c, known, &t);
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "INSERT INTO series_draft (id, meter_id, tag_key, tags, source, is_summable, unit,"
        " numerator, denominator, time_zone)"
        " SELECT coalesce($1::bigint, -1 - count(*)), $2::integer, $3, $4, $5, $6::boolean,"
        " $7::integer, $8::float8, $9::float8, $10 FROM series_draft RETURNING id",
        PG_ARGS(is_known ? pg_text(known, 0, ID) : NULL,
                is_known ? draft_known(known, METER) : NULL, c->tag_key, c->tags, c->source,
                c->is_summable ? "t" : "f", t.unit, t.numerator, t.denominator, t.time_zone));
    if (!r)
        return false;
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

#define DRAFT_KNOWN                                                                                \
    "SELECT id, source, meter_id, true AS is_draft, 0 AS record_id, numerator, denominator, unit," \
    " time_zone, true AS has_days FROM series_draft WHERE tag_key = $1"                            \
    " UNION ALL SELECT s.id, s.source, s.meter_id, false, s.record_id, s.numerator,"               \
    " s.denominator, coalesce(s.seed_unit, m.energy_units), s.time_zone,"                          \
    " EXISTS (SELECT FROM meterbeat.day d WHERE d.series_id = s.id)"                               \
    " FROM meterbeat.series s LEFT JOIN seed_meter m ON m.id = s.meter_id WHERE s.tag_key = $1"    \
    " ORDER BY is_draft DESC LIMIT 1"

bool series_preview_claim(struct pg *p, const struct series_claim *c, enum series_owner *ret_owner,
                          int64_t *ret_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(p, e, DRAFT_KNOWN, PG_ARGS(c->tag_key));
    if (!r)
        return false;
    const char *source = PQntuples(r) ? pg_text(r, 0, SOURCE) : c->source;
    bool ours = strcmp(source, c->source) == 0 || series_is_adopted(source, c->source);
    *ret_owner = ours ? SERIES_OURS : SERIES_TAKEN;
    if (!ours)
        return true;
    if (PQntuples(r) && pg_bool(r, 0, IS_DRAFT)) {
        *ret_id = pg_int(r, 0, ID, 0);
        return true;
    }
    return draft_add(p, c, r, ret_id, e);
}

bool series_preview_get(struct pg *p, int64_t id, struct series_preview *ret_draft, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT meter_id, is_summable, tags, unit, numerator, denominator,"
                 " coalesce(time_zone, '') FROM series_draft WHERE id = $1::bigint",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) != 1)
        return err_set(e, ERR_RETRY, "no_series", "series %" PRId64 " is gone", id);
    *ret_draft = (struct series_preview){.id = id,
                                         .meter_id = pg_int(r, 0, 0, 0),
                                         .is_summable = pg_bool(r, 0, 1),
                                         .unit = pg_int(r, 0, 3, -1),
                                         .numerator = pg_double(r, 0, 4, 1),
                                         .denominator = pg_double(r, 0, 5, 1)};
    snprintf(ret_draft->tags, sizeof ret_draft->tags, "%s", pg_text(r, 0, 2));
    snprintf(ret_draft->time_zone, sizeof ret_draft->time_zone, "%s", pg_text(r, 0, 6));
    return true;
}

bool series_preview_only(struct pg *p, bool only, struct err *e)
{
    return pg_script(p, e,
                     only ? "SET default_transaction_read_only = on"
                          : "SET default_transaction_read_only = off");
}
