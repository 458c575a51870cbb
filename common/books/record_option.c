/* meterbeat.record_option: what a person decides about a record's feed. */
#include "books/record_option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void option_text(const PGresult *r, int column, char out[RECORD_OPTION_TEXT])
{
    const char *text = pg_text(r, 0, column);
    snprintf(out, RECORD_OPTION_TEXT, "%s", text ? text : "");
}

bool record_option_get(struct pg *p, int64_t record_id, struct record_option *ret_option,
                       struct err *e)
{
    char id[PG_NUMBER];
    *ret_option = (struct record_option){0};
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT time_zone, heat_content, registers FROM meterbeat.record_option"
                 " WHERE record_id = $1",
                 PG_ARGS(pg_number(record_id, id)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return true;
    option_text(r, 0, ret_option->time_zone);
    option_text(r, 1, ret_option->heat_content);
    option_text(r, 2, ret_option->registers);
    return true;
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

/* Days are booked by the zone their series began with. */
static bool option_zone_is_free(struct pg *p, const char *id, const char *zone, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT EXISTS (SELECT FROM seed_ts_parser_record WHERE id = $1::bigint),"
                 " EXISTS (SELECT FROM meterbeat.day d WHERE d.record_id = $1::bigint) AND"
                 " coalesce((SELECT time_zone FROM meterbeat.record_option WHERE record_id = "
                 "$1::bigint), '')"
                 " <> $2",
                 PG_ARGS(id, zone));
    if (!r)
        return false;
    if (!pg_bool(r, 0, 0))
        return err_set(e, ERR_REJECT, "no_record", "there is no record %s", id);
    if (pg_bool(r, 0, 1))
        return err_set(e, ERR_REJECT, "zone_in_use",
                       "time_zone: record %s has readings booked by the days of its zone", id);
    return true;
}

bool record_option_set(struct pg *p, int64_t record_id, const struct record_option *option,
                       struct err *e)
{
    char id[PG_NUMBER];
    pg_number(record_id, id);
    return option_zone_is_free(p, id, option->time_zone, e) &&
           pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.record_option (record_id, time_zone, heat_content,"
                 " registers) VALUES ($1, $2, $3, $4) ON CONFLICT (record_id) DO UPDATE SET"
                 " time_zone = excluded.time_zone, heat_content = excluded.heat_content,"
                 " registers = excluded.registers",
                 PG_ARGS(id, or_null(option->time_zone), or_null(option->heat_content),
                         or_null(option->registers)));
}
