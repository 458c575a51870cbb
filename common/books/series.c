/* meterbeat.series: what one KairosDB series is, whose it is, and the meter it is summed into. */
#include "books/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool series_lock(struct pg *p, const char *building_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT pg_advisory_xact_lock(hashtextextended('meterbeat series ' || $1, 0))",
        PG_ARGS(building_id));
    return r != NULL;
}

static bool series_insert(struct pg *p, const struct series_claim *c, int64_t *ret_id,
                          struct err *e)
{
    char meter[PG_NUMBER], record[PG_NUMBER];
    int64_t meter_id = 0;
    if (!meter_claim(p, &c->meter, &meter_id, e))
        return false;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "INSERT INTO meterbeat.series (tag_key, tags, source, meter_id, record_id,"
                 " is_summable) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                 PG_ARGS(c->tag_key, c->tags, c->source, pg_number(meter_id, meter),
                         pg_number(c->record_id, record), c->is_summable ? "t" : "f"));
    if (!r)
        return false;
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

static bool series_keep(struct pg *p, const struct series_claim *c, int64_t id, int64_t meter_id,
                        struct err *e)
{
    char number[PG_NUMBER], record[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.series SET record_id = $2, is_summable = $3 WHERE id = $1"
                 " AND (record_id <> $2 OR is_summable <> $3)",
                 PG_ARGS(pg_number(id, number), pg_number(c->record_id, record),
                         c->is_summable ? "t" : "f")) &&
           meter_link(p, meter_id, c->meter.building_id, e);
}

bool series_claim(struct pg *p, const struct series_claim *c, enum series_owner *ret_owner,
                  int64_t *ret_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT id, source, meter_id FROM meterbeat.series WHERE tag_key = $1",
                 PG_ARGS(c->tag_key));
    if (!r)
        return false;
    *ret_owner = SERIES_OURS;
    if (PQntuples(r) == 0)
        return series_insert(p, c, ret_id, e);
    if (strcmp(pg_text(r, 0, 1), c->source) != 0) {
        *ret_owner = SERIES_TAKEN;
        return true;
    }
    *ret_id = pg_int(r, 0, 0, 0);
    return series_keep(p, c, *ret_id, pg_int(r, 0, 2, 0), e);
}

bool series_tags_text(struct pg *p, int64_t id, char *out, size_t size, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT tags::text FROM meterbeat.series WHERE id = $1",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) != 1 || strlen(pg_text(r, 0, 0)) >= size)
        return err_set(e, ERR_RETRY, "no_series", "series %" PRId64 " is gone", id);
    snprintf(out, size, "%s", pg_text(r, 0, 0));
    return true;
}
