/* The schedule's memory in PostgreSQL: one statement for all entries, one for all ticks of a turn.
 */
#include "common/store/schedule_entry.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Many rows go to PostgreSQL as one parameter: a JSON list of objects with their index as "i". */
static void rows_clear(json_t **rows)
{
    json_decref(*rows);
}

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for the schedule's books");
}

/* --- memory ------------------------------------------------------------------------------------
 */

/* Caller frees; NULL: no memory. */
static char *memory_rows(const struct entry_memory *entries, size_t count)
{
    json_t *rows CLEANUP(rows_clear) = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{sI ss ss}", "i", (json_int_t)i, "name", entries[i].name,
                                "definition", entries[i].definition);
        if (json_array_append_new(rows, row) != 0)
            return NULL;
    }
    return json_dumps(rows, JSON_COMPACT);
}

/* An entry that is new or differs from what it was has decided everything up to now. */
static bool memory_begin(struct pg *p, const char *rows, int64_t now_s, struct err *e)
{
    char now[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.entry AS m (name, definition, last_due_at)"
                 " SELECT name, definition, to_timestamp($2::bigint)"
                 " FROM jsonb_to_recordset($1::jsonb) AS r (name text, definition text)"
                 " ORDER BY name"
                 " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition,"
                 " last_due_at = excluded.last_due_at, fired_at = NULL, updated_at = now()"
                 " WHERE m.definition <> excluded.definition",
                 PG_ARGS(rows, pg_number(now_s, now)));
}

bool schedule_entry_load(struct pg *p, struct entry_memory *entries, size_t count, int64_t now_s,
                         struct err *e)
{
    char *rows CLEANUP(free_at) = memory_rows(entries, count);
    if (!rows)
        return no_memory(e);
    if (!memory_begin(p, rows, now_s, e))
        return false;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT r.i, floor(extract(epoch FROM m.last_due_at))::bigint"
                 " FROM jsonb_to_recordset($1::jsonb) AS r (i int, name text)"
                 " JOIN meterbeat.entry AS m USING (name)",
                 PG_ARGS(rows));
    if (!r)
        return false;
    for (size_t i = 0; i < count; i++)
        entries[i].last_due_s = now_s;
    for (int row = 0; row < PQntuples(r); row++)
        entries[pg_int(r, row, 0, 0)].last_due_s = pg_int(r, row, 1, now_s);
    return true;
}

bool schedule_entry_forget(struct pg *p, const char *name, struct err *e)
{
    return pg_do(p, e, NULL, "DELETE FROM meterbeat.entry WHERE name = $1", PG_ARGS(name));
}

/* --- ticks ---------------------------------------------------------------------------------------
 */

/* Caller frees; NULL: no memory. */
static char *tick_rows(const struct entry_tick *ticks, size_t count)
{
    json_t *rows CLEANUP(rows_clear) = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{sI ss ss sI ss}", "i", (json_int_t)i, "entry", ticks[i].entry,
                                "definition", ticks[i].definition, "due",
                                (json_int_t)ticks[i].due_s, "task_id", ticks[i].task_id);
        if (json_array_append_new(rows, row) != 0)
            return NULL;
    }
    return json_dumps(rows, JSON_COMPACT);
}

bool schedule_entry_fire(struct pg *p, struct entry_tick *ticks, size_t count, bool remember,
                         struct err *e)
{
    char *rows CLEANUP(free_at) = tick_rows(ticks, count);
    if (!rows)
        return no_memory(e);
    /* In one order for all producers, so that two of them wait for, and never on, each other.
     * Memory that is ahead of the clock was written before the clock stepped back. */
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "WITH r AS (SELECT i, entry, definition, to_timestamp(due) AS due_at, task_id"
                 "  FROM jsonb_to_recordset($1::jsonb)"
                 "  AS r (i int, entry text, definition text, due bigint, task_id text)),"
                 " fired AS (INSERT INTO meterbeat.tick (entry, due_at, task_id)"
                 "  SELECT entry, due_at, task_id FROM r ORDER BY entry, due_at"
                 "  ON CONFLICT DO NOTHING RETURNING entry, due_at),"
                 " latest AS (SELECT entry, definition, max(due_at) AS due_at"
                 "  FROM r JOIN fired USING (entry, due_at) GROUP BY entry, definition),"
                 " remembered AS (UPDATE meterbeat.entry AS m SET last_due_at ="
                 "   CASE WHEN m.last_due_at > clock_timestamp() + interval '10 seconds'"
                 "   THEN latest.due_at ELSE greatest(m.last_due_at, latest.due_at) END,"
                 "   fired_at = clock_timestamp(), updated_at = now()"
                 "  FROM latest WHERE $2::boolean AND m.name = latest.entry"
                 "  AND m.definition = latest.definition)"
                 " SELECT r.i FROM r JOIN fired USING (entry, due_at)",
                 PG_ARGS(rows, remember ? "true" : "false"));
    if (!r)
        return false;
    for (size_t i = 0; i < count; i++)
        ticks[i].fired_here = false;
    for (int row = 0; row < PQntuples(r); row++)
        ticks[pg_int(r, row, 0, 0)].fired_here = true;
    return true;
}

bool entry_tick_key(struct pg *p, char *ret_key, size_t size, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT tick_key FROM meterbeat.installation", PG_NO_ARGS);
    if (!r)
        return false;
    const char *key = PQntuples(r) == 1 ? pg_text(r, 0, 0) : NULL;
    if (!key || strlen(key) < 32 || strlen(key) >= size)
        return err_set(e, ERR_FATAL, "no_tick_key",
                       "meterbeat.installation has no tick_key of 32 to %zu characters", size - 1);
    (void)snprintf(ret_key, size, "%s", key);
    return true;
}

bool schedule_entry_clock_ms(struct pg *p, int64_t *ret_now_ms, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint", PG_NO_ARGS);
    if (!r)
        return false;
    *ret_now_ms = pg_int(r, 0, 0, 0);
    return true;
}
