/* The tables: makes what is missing, version by version, and tells programs whether all is there.
 */
#include "common/store/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/store/schema_sql.h"

/* Any fixed number that nobody else locks: "meterbt" in ASCII. */
#define SCHEMA_LOCK "30792323054068340"

/* The seed's tables with the columns that meterbeat reads or writes. */
static const struct schema_table {
    const char *name;
    const char *columns; /* as a PostgreSQL array */
} schema_seed_tables[] = {
    {"seed_ts_parser_record", "{last_ts,id,url,last_date,min_date_parameter,max_date_parameter,"
                              "building_id,active,time_type,date_pattern,sub_id}"},
    {"seed_canonicalbuilding", "{id,active}"},
    {"seed_meter", "{id,name,energy_type,energy_units,custom_meter_id}"},
    {"seed_meter_canonical_building", "{id,meter_id,canonicalbuilding_id}"},
    {"seed_timeseries", "{id,begin_time,end_time,reading,cost,meter_id}"},
};

/* --- the seed's tables ------------------------------------------------------------------------ */

static bool schema_has_table(struct pg *p, const char *name, bool *ret_there, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT to_regclass($1) IS NOT NULL", PG_ARGS(name));
    if (!r)
        return false;
    *ret_there = pg_bool(r, 0, 0);
    return true;
}

static void schema_list_append(char *list, size_t size, const char *separator, const char *what)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? separator : "", what);
}

static bool schema_list_tables(struct pg *p, struct schema_report *report, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(schema_seed_tables); i++) {
        const char *name = schema_seed_tables[i].name;
        bool there;
        if (!schema_has_table(p, name, &there, e))
            return false;
        if (there)
            schema_list_append(report->found, sizeof report->found, ", ", name);
        else
            schema_list_append(report->made, sizeof report->made, ", ", name);
    }
    return true;
}

/* ERR_FATAL when the table or one of the columns is not there. */
static bool schema_check_table(struct pg *p, const struct schema_table *table, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT to_regclass($1) IS NULL,"
                 " (SELECT string_agg(wanted, ', ') FROM unnest($2::text[]) AS wanted"
                 "  WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1)"
                 "                    AND attname = wanted AND NOT attisdropped))",
                 PG_ARGS(table->name, table->columns));
    if (!r)
        return false;
    if (pg_bool(r, 0, 0))
        return err_set(e, ERR_FATAL, "schema_missing",
                       "the database has no table %s; run meterbeatctl init-db", table->name);
    const char *missing = pg_text(r, 0, 1);
    if (missing)
        return err_set(e, ERR_FATAL, "seed_table",
                       "%s lacks the column %s, and meterbeat alters none of SEED's tables; add it "
                       "as docs/tables.md shows",
                       table->name, missing);
    return true;
}

static bool schema_check_tables(struct pg *p, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(schema_seed_tables); i++)
        if (!schema_check_table(p, &schema_seed_tables[i], e))
            return false;
    return true;
}

/* A column that must be filled and that meterbeat does not know makes each INSERT fail: say so. */
static bool schema_remark_on(struct pg *p, const struct schema_table *table, char *remarks,
                             size_t size, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT format('%s.%s must be filled and has no default: meterbeat cannot add rows there',"
        " $1::text, attname) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0"
        " AND NOT attisdropped AND attnotnull AND NOT atthasdef AND attidentity = ''"
        " AND attname <> ALL ($2::name[])"
        " UNION ALL SELECT format('%s cannot be written by the role %s', $1::text, current_user)"
        " WHERE NOT has_table_privilege(to_regclass($1), 'INSERT')"
        " OR NOT has_table_privilege(to_regclass($1), 'UPDATE')",
        PG_ARGS(table->name, table->columns));
    if (!r)
        return false;
    for (int row = 0; row < PQntuples(r); row++)
        schema_list_append(remarks, size, "\n", pg_text(r, row, 0));
    return true;
}

static bool schema_make_seed(struct pg *p, struct schema_report *report, struct err *e)
{
    if (!schema_list_tables(p, report, e))
        return false;
    if (*report->made && !pg_script(p, e, schema_sql_seed))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(schema_seed_tables); i++)
        if (!schema_remark_on(p, &schema_seed_tables[i], report->remarks, sizeof report->remarks,
                              e))
            return false;
    return schema_check_tables(p, e);
}

/* --- the schema "meterbeat" ------------------------------------------------------------------- */

static bool schema_version(struct pg *p, int *ret_version, struct err *e)
{
    bool there;
    if (!schema_has_table(p, "meterbeat.migration", &there, e))
        return false;
    *ret_version = 0;
    if (!there)
        return true;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT coalesce(max(version), 0) FROM meterbeat.migration", PG_NO_ARGS);
    if (!r)
        return false;
    *ret_version = (int)pg_int(r, 0, 0, 0);
    return true;
}

static bool schema_too_new(int version, struct err *e)
{
    return err_set(e, ERR_FATAL, "schema_new",
                   "the schema meterbeat is at version %d, this program knows %d: install the "
                   "meterbeat that made it, or a later one",
                   version, schema_sql_version);
}

/* CREATE SCHEMA IF NOT EXISTS would want the right to create where an administrator has done it. */
static bool schema_make_migration_table(struct pg *p, struct err *e)
{
    return pg_script(p, e,
                     "DO $$ BEGIN IF to_regnamespace('meterbeat') IS NULL THEN"
                     " CREATE SCHEMA meterbeat; END IF; END $$;"
                     "CREATE TABLE meterbeat.migration (version integer PRIMARY KEY,"
                     " applied_at timestamptz NOT NULL DEFAULT now(),"
                     " applied_by text NOT NULL DEFAULT current_user,"
                     " made_tables text NOT NULL DEFAULT '');"
                     "INSERT INTO meterbeat.migration (version) VALUES (0)");
}

/* Kept, because in a table of our own making we may add rows that SEED would add in its own. */
static bool schema_note_made(struct pg *p, const char *made, struct err *e)
{
    return !*made || pg_do(p, e, NULL,
                           "UPDATE meterbeat.migration SET made_tables ="
                           " concat_ws(', ', nullif(made_tables, ''), $1::text) WHERE version = 0",
                           PG_ARGS(made));
}

static bool schema_migrate(struct pg *p, struct schema_report *report, struct err *e)
{
    if (!schema_version(p, &report->from_version, e))
        return false;
    if (report->from_version > schema_sql_version)
        return schema_too_new(report->from_version, e);
    bool there;
    if (!schema_has_table(p, "meterbeat.migration", &there, e) ||
        (!there && !schema_make_migration_table(p, e)) || !schema_note_made(p, report->made, e))
        return false;
    for (int version = report->from_version + 1; version <= schema_sql_version; version++) {
        char number[PG_NUMBER];
        if (!pg_script(p, e, schema_sql_migrations[version - 1]) ||
            !pg_do(p, e, NULL, "INSERT INTO meterbeat.migration (version) VALUES ($1)",
                   PG_ARGS(pg_number(version, number))))
            return err_wrap(e, "schema version %d", version);
    }
    report->to_version = schema_sql_version;
    return true;
}

bool schema_init(struct pg *p, struct schema_report *ret_report, struct err *e)
{
    struct schema_report report = {0};
    if (!pg_begin(p, e))
        return false;
    if (pg_do(p, e, NULL, "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")", PG_NO_ARGS) &&
        schema_make_seed(p, &report, e) && schema_migrate(p, &report, e) && pg_commit(p, e)) {
        *ret_report = report;
        return true;
    }
    pg_rollback(p);
    return false;
}

bool schema_check(struct pg *p, struct err *e)
{
    int version;
    if (!schema_version(p, &version, e))
        return false;
    if (version == 0)
        return err_set(e, ERR_FATAL, "schema_missing",
                       "the database has no schema meterbeat; run meterbeatctl init-db");
    if (version < schema_sql_version)
        return err_set(e, ERR_FATAL, "schema_old",
                       "the schema meterbeat is at version %d, this program needs %d; run "
                       "meterbeatctl init-db",
                       version, schema_sql_version);
    if (version > schema_sql_version)
        return schema_too_new(version, e);
    return schema_check_tables(p, e);
}
