/* `status`, what the books say: workers, runs, what is promised and what is to be summed. */
#include <stdio.h>

#include "ctl/cmd_status.h"

/* Seconds ago are computed by the database: its clock wrote the times. */
#define AGO(column) "extract(epoch FROM now() - " column ")::bigint"

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory");
}

static json_t *text_or_null(const PGresult *r, int row, int column)
{
    const char *text = pg_text(r, row, column);
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static json_t *number_or_null(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? json_null() : json_integer(pg_int(r, row, column, 0));
}

/* One column of a query: its key in JSON, and whether it is a number. */
struct column {
    const char *key;
    bool is_number;
};

/* The rows of sql as a list of objects under key. */
static bool add_rows(struct session *s, json_t *status, const char *key, const char *sql,
                     const struct column *columns, int count, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(s->pg, e, sql, PG_NO_ARGS);
    json_t *rows = json_array();
    if (json_object_set_new(status, key, rows) != 0)
        return no_memory(e);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        json_t *row = json_object();
        if (json_array_append_new(rows, row) != 0)
            return no_memory(e);
        for (int c = 0; c < count; c++)
            if (json_object_set_new(row, columns[c].key,
                                    columns[c].is_number ? number_or_null(r, i, c)
                                                         : text_or_null(r, i, c)) != 0)
                return no_memory(e);
    }
    return true;
}

static bool add_workers(struct session *s, json_t *status, struct err *e)
{
    static const struct column columns[] = {
        {"name", false},      {"queue", false},     {"version", false}, {"started_s_ago", true},
        {"seen_s_ago", true}, {"tasks_done", true}, {"task_id", false}, {"clock_ahead_ms", true},
    };
    return add_rows(s, status, "workers",
                    "SELECT name, queue, version, " AGO("started_at") ", " AGO(
                        "seen_at") ","
                                   " tasks_done, task_id, clock_ahead_ms FROM meterbeat.worker "
                                   "ORDER BY name LIMIT 1000",
                    columns, (int)ARRAY_LEN(columns), e);
}

static bool add_open_runs(struct session *s, json_t *status, struct err *e)
{
    static const struct column columns[] = {
        {"task_id", false}, {"task", false},  {"record_id", true}, {"building_id", false},
        {"state", false},   {"starts", true}, {"worker", false},   {"progress", false},
        {"due_in_s", true}, {"age_s", true},  {"error", false},
    };
    char sql[800];
    snprintf(sql, sizeof sql,
             "SELECT task_id, task, record_id, building_id, state, token, worker, progress,"
             " extract(epoch FROM lease_until - now())::bigint, " AGO(
                 "created_at") ","
                               " error_code || ': ' || error FROM meterbeat.run"
                               " WHERE state IN ('waiting', 'running', 'retrying')"
                               " ORDER BY state = 'running' DESC, created_at LIMIT %d",
             STATUS_OPEN_RUNS);
    return add_rows(s, status, "open_runs", sql, columns, (int)ARRAY_LEN(columns), e);
}

static bool add_counts(struct session *s, json_t *status, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e,
        "SELECT count(*) FILTER (WHERE state = 'waiting'),"
        " count(*) FILTER (WHERE state = 'running'), count(*) FILTER (WHERE state = 'retrying'),"
        " count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'dead'),"
        " (SELECT count(*) FROM meterbeat.outbox),"
        " (SELECT " AGO(
            "min(created_at)") " FROM meterbeat.outbox),"
                               " (SELECT count(*) FROM meterbeat.dirty_month),"
                               " (SELECT count(*) FROM meterbeat.coverage c JOIN meterbeat.series s"
                               "  ON s.id = c.series_id AND s.is_summable WHERE c.month_end <= "
                               "now()"
                               "  AND c.month_end > now() - interval '13 months'"
                               "  AND c.covered_s < c.expected_s),"
                               " (SELECT count(*) FROM meterbeat.coverage c JOIN meterbeat.series s"
                               "  ON s.id = c.series_id AND s.is_summable WHERE c.month_end <= "
                               "now()"
                               "  AND c.month_end > now() - interval '13 months')"
                               " FROM meterbeat.run",
        PG_NO_ARGS);
    if (!r)
        return false;
    json_t *counts =
        json_pack("{s:{s:o, s:o, s:o, s:o, s:o}, s:{s:o, s:o}, s:o, s:{s:o, s:o}}", "runs",
                  "waiting", number_or_null(r, 0, 0), "running", number_or_null(r, 0, 1),
                  "retrying", number_or_null(r, 0, 2), "done", number_or_null(r, 0, 3), "dead",
                  number_or_null(r, 0, 4), "outbox", "messages", number_or_null(r, 0, 5),
                  "oldest_s", number_or_null(r, 0, 6), "dirty_months", number_or_null(r, 0, 7),
                  "months", "partial", number_or_null(r, 0, 8), "covered", number_or_null(r, 0, 9));
    bool ok = counts && json_object_update(status, counts) == 0;
    json_decref(counts);
    return ok || no_memory(e);
}

/* Records that a custodian keeps waiting, and those that wait for a person. */
static bool add_custodians(struct session *s, json_t *status, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(s->pg, e,
                 "SELECT (SELECT count(DISTINCT record_id) FROM meterbeat.pending),"
                 " (SELECT count(*) FROM meterbeat.subscription s JOIN meterbeat.authorization a"
                 "  ON a.id = s.authorization_id WHERE a.refused_at IS NOT NULL)",
                 PG_NO_ARGS);
    if (!r)
        return false;
    json_t *custodians = json_pack("{s:o, s:o}", "pending", number_or_null(r, 0, 0), "refused",
                                   number_or_null(r, 0, 1));
    return json_object_set_new(status, "custodians", custodians) == 0 || no_memory(e);
}

bool status_books(struct session *s, json_t *status, struct err *e)
{
    return add_custodians(s, status, e) && add_workers(s, status, e) && add_counts(s, status, e) &&
           add_open_runs(s, status, e);
}
