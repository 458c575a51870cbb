/* Rows of seed_ts_parser_record: which feed of which building, and how far it has been fetched. */
#include "common/store/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of seed_ts_parser_record.url, and the end of the text. */
#define RECORD_URL 501
/* The words for an active record; SEED's own is the first. */
#define RECORD_ACTIVE "lower(btrim(active)) IN ('y', 'yes', 'true', 't', '1', 'on', 'active')"
#define RECORD_COLUMNS                                                                             \
    " id, btrim(url), btrim(sub_id), btrim(building_id), btrim(time_type), btrim(date_pattern),"   \
    " btrim(min_date_parameter), btrim(max_date_parameter), btrim(last_date), last_ts,"            \
    " coalesce(" RECORD_ACTIVE ", false)"

/* --- reading ---------------------------------------------------------------------------------- */

static char *record_text(const PGresult *r, int row, int column)
{
    const char *text = pg_text(r, row, column);
    return strdup(text ? text : "");
}

/* False: no memory; the record is to be freed all the same. */
static bool record_read(const PGresult *r, int row, struct record *out)
{
    *out = (struct record){
        .id = pg_int(r, row, 0, 0),
        .url = record_text(r, row, 1),
        .sub_id = record_text(r, row, 2),
        .building_id = record_text(r, row, 3),
        .time_type = record_text(r, row, 4),
        .date_pattern = record_text(r, row, 5),
        .min_date_parameter = record_text(r, row, 6),
        .max_date_parameter = record_text(r, row, 7),
        .last_date = record_text(r, row, 8),
        .last_ts = pg_int(r, row, 9, 0),
        .active = pg_bool(r, row, 10),
    };
    return out->url && out->sub_id && out->building_id && out->time_type && out->date_pattern &&
           out->min_date_parameter && out->max_date_parameter && out->last_date;
}

static bool records_read(const PGresult *r, struct record **ret_records, size_t *ret_count,
                         struct err *e)
{
    size_t count = (size_t)PQntuples(r);
    struct record *records = calloc(count ? count : 1, sizeof *records);
    bool ok = records != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = record_read(r, (int)i, &records[i]);
    if (!ok) {
        records_free(records, count);
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu records", count);
    }
    *ret_records = records;
    *ret_count = count;
    return true;
}

static bool record_absent(int64_t id, struct err *e)
{
    return err_set(e, ERR_REJECT, "no_record", "seed_ts_parser_record has no record %lld",
                   (long long)id);
}

bool record_get(struct pg *p, int64_t id, struct record *ret_record, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT" RECORD_COLUMNS " FROM seed_ts_parser_record WHERE id = $1::bigint",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return record_absent(id, e);
    struct record record;
    if (!record_read(r, 0, &record)) {
        record_free(&record);
        return err_set(e, ERR_RETRY, "no_memory", "no memory for record %lld", (long long)id);
    }
    *ret_record = record;
    return true;
}

bool record_page(struct pg *p, int64_t after_id, size_t max, bool active_only,
                 struct record **ret_records, size_t *ret_count, struct err *e)
{
    char after[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT" RECORD_COLUMNS " FROM seed_ts_parser_record"
        " WHERE id > $1::bigint AND ($3 = 'f' OR " RECORD_ACTIVE ") ORDER BY id LIMIT $2::bigint",
        PG_ARGS(pg_number(after_id, after), pg_number((int64_t)max, limit),
                active_only ? "t" : "f"));
    return r && records_read(r, ret_records, ret_count, e);
}

bool record_idle_page(struct pg *p, const char *task, int64_t after_id, size_t max,
                      struct record **ret_records, size_t *ret_count, struct err *e)
{
    char after[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT" RECORD_COLUMNS " FROM seed_ts_parser_record s"
        " WHERE id > $1::bigint AND " RECORD_ACTIVE
        " AND NOT EXISTS (SELECT FROM meterbeat.run r WHERE r.task = $3 AND r.record_id = s.id"
        "  AND r.only_one AND (r.state IN ('waiting', 'retrying')"
        "   OR (r.state = 'running' AND r.lease_until > now())))"
        " AND NOT EXISTS (SELECT FROM meterbeat.subscription c JOIN meterbeat.authorization a"
        "  ON a.id = c.authorization_id WHERE c.record_id = s.id AND a.refused_at IS NOT NULL)"
        " ORDER BY id LIMIT $2::bigint",
        PG_ARGS(pg_number(after_id, after), pg_number((int64_t)max, limit), task));
    return r && records_read(r, ret_records, ret_count, e);
}

void record_free(struct record *r)
{
    free(r->url);
    free(r->sub_id);
    free(r->building_id);
    free(r->time_type);
    free(r->date_pattern);
    free(r->min_date_parameter);
    free(r->max_date_parameter);
    free(r->last_date);
    *r = (struct record){0};
}

void records_free(struct record *records, size_t count)
{
    for (size_t i = 0; records && i < count; i++)
        record_free(&records[i]);
    free(records);
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t record_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* PostgreSQL would refuse too long a text as well, but without saying which column. */
static bool record_check(const struct record *r, struct err *e)
{
    const struct {
        const char *name, *text;
        size_t max;
    } fields[] = {
        {"url", r->url, 500},
        {"last_date", r->last_date, 50},
        {"min_date_parameter", r->min_date_parameter, 20},
        {"max_date_parameter", r->max_date_parameter, 20},
        {"building_id", r->building_id, 100},
        {"time_type", r->time_type, 50},
        {"date_pattern", r->date_pattern, 100},
        {"sub_id", r->sub_id, 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].text && record_characters(fields[i].text) > fields[i].max)
            return err_set(e, ERR_REJECT, "bad_record",
                           "%s: more than the %zu characters of the "
                           "column",
                           fields[i].name, fields[i].max);
    if (!r->building_id || !*r->building_id || strspn(r->building_id, "0123456789") > 9 ||
        r->building_id[strspn(r->building_id, "0123456789")])
        return err_set(e, ERR_REJECT, "bad_record",
                       "building_id: must be the id of a canonical building, a number");
    return true;
}

/* The building's row: made only where the table is of our own making. */
static bool record_see_building(struct pg *p, const char *building_id, struct err *e)
{
    if (!pg_do(p, e, NULL,
               "INSERT INTO seed_canonicalbuilding (id, active) SELECT $1::integer, true WHERE"
               " EXISTS (SELECT FROM meterbeat.migration WHERE version = 0"
               "  AND 'seed_canonicalbuilding' = ANY (string_to_array(made_tables, ', ')))"
               " ON CONFLICT (id) DO NOTHING",
               PG_ARGS(building_id)))
        return false;
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT FROM seed_canonicalbuilding WHERE id = $1::integer", PG_ARGS(building_id));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return err_set(e, ERR_REJECT, "no_building",
                       "seed_canonicalbuilding has no building %s: add it in SEED first",
                       building_id);
    return true;
}

static const char *record_or_empty(const char *text)
{
    return text ? text : "";
}

bool record_add(struct pg *p, const struct record *r, int64_t *ret_id, struct err *e)
{
    char last_ts[PG_NUMBER];
    if (!record_check(r, e) || !record_see_building(p, r->building_id, e))
        return false;
    /* Every column filled: in a table that Django made none may be null. */
    PGresult *result CLEANUP(pg_clear) = pg_query(
        p, e,
        "INSERT INTO seed_ts_parser_record (url, sub_id, building_id, time_type, date_pattern,"
        " min_date_parameter, max_date_parameter, last_date, last_ts, active)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        PG_ARGS(record_or_empty(r->url), record_or_empty(r->sub_id), r->building_id,
                record_or_empty(r->time_type), record_or_empty(r->date_pattern),
                record_or_empty(r->min_date_parameter), record_or_empty(r->max_date_parameter),
                record_or_empty(r->last_date), pg_number(r->last_ts, last_ts),
                r->active ? "Y" : "N"));
    if (!result)
        return false;
    *ret_id = pg_int(result, 0, 0, 0);
    return true;
}

bool record_is_import(const struct record *r)
{
    return strncmp(r->url, RECORD_IMPORT, strlen(RECORD_IMPORT)) == 0;
}

bool record_standing(struct pg *p, int64_t id, enum record_standing *ret_standing, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT coalesce(btrim(url) LIKE '" RECORD_IMPORT "%', false),"
                 " coalesce(" RECORD_ACTIVE ", false)"
                 " FROM seed_ts_parser_record WHERE id = $1::bigint",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    *ret_standing = PQntuples(r) == 0  ? RECORD_GONE
                    : pg_bool(r, 0, 0) ? RECORD_IMPORTED
                    : pg_bool(r, 0, 1) ? RECORD_ASKED
                                       : RECORD_PAUSED;
    return true;
}

static bool record_find_import(struct pg *p, const char *building_id, const char *url,
                               int64_t *ret_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT id FROM seed_ts_parser_record WHERE btrim(url) = $1"
                 " AND btrim(building_id) = $2 ORDER BY id LIMIT 1",
                 PG_ARGS(url, building_id));
    if (!r)
        return false;
    *ret_id = PQntuples(r) ? pg_int(r, 0, 0, 0) : 0;
    return true;
}

/* The end of a name that is too long says more than its beginning. */
static void record_import_url(const char *name, char out[RECORD_URL])
{
    size_t most = RECORD_URL - sizeof RECORD_IMPORT, len = strlen(name);
    const char *at = len > most ? name + (len - most) : name;
    while (at != name && ((unsigned char)*at & 0xc0) == 0x80)
        at++;
    snprintf(out, RECORD_URL, "%s%s", RECORD_IMPORT, at);
    pg_clean(out);
}

bool record_known_import(struct pg *p, const char *building_id, const char *name, int64_t *ret_id,
                         struct err *e)
{
    char url[RECORD_URL];
    record_import_url(name, url);
    return record_find_import(p, building_id, url, ret_id, e);
}

bool record_of_import(struct pg *p, const char *building_id, const char *name, int64_t *ret_id,
                      struct err *e)
{
    char url[RECORD_URL];
    record_import_url(name, url);
    struct record r = {.url = url,
                       .building_id = (char *)building_id,
                       .time_type =
                           (char *)"import"}; /* no time type: never asked, even if active */
    int64_t id = 0;
    bool ok = pg_begin(p, e) &&
              pg_do(p, e, NULL,
                    "SELECT pg_advisory_xact_lock(hashtextextended('meterbeat import ' || $1, 0))",
                    PG_ARGS(building_id)) &&
              record_find_import(p, building_id, url, &id, e) &&
              (id || record_add(p, &r, &id, e)) && pg_commit(p, e);
    if (!ok) {
        pg_rollback(p);
        return false;
    }
    *ret_id = id;
    return true;
}

bool record_set_active(struct pg *p, int64_t id, bool active, struct err *e)
{
    char number[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows, "UPDATE seed_ts_parser_record SET active = $2 WHERE id = $1::bigint",
               PG_ARGS(pg_number(id, number), active ? "Y" : "N")))
        return false;
    return rows == 1 || record_absent(id, e);
}

bool record_advance(struct pg *p, const struct record *read, const char *last_date, int64_t last_ts,
                    struct err *e)
{
    char id[PG_NUMBER], old_ts[PG_NUMBER], new_ts[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows,
               "UPDATE seed_ts_parser_record SET last_date = $4, last_ts = $5"
               " WHERE id = $1::bigint AND coalesce(btrim(last_date), '') = $2"
               " AND coalesce(last_ts, 0) = $3",
               PG_ARGS(pg_number(read->id, id), read->last_date, pg_number(read->last_ts, old_ts),
                       last_date, pg_number(last_ts, new_ts))))
        return false;
    if (rows != 1)
        return err_set(e, ERR_RETRY, "record_changed",
                       "last_date or last_ts of record %lld changed meanwhile, from '%s' and %lld",
                       (long long)read->id, read->last_date, (long long)read->last_ts);
    return true;
}
