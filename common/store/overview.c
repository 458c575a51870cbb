/* The queries of `meterbeatctl status`. */
#include "common/store/overview.h"

#define AGO(column) "extract(epoch FROM now() - " column ")::bigint"
/* Months that ended within a year and a month, of what is summed. */
#define LAST_MONTHS                                                                                \
    " FROM meterbeat.coverage c JOIN meterbeat.series s ON s.id = c.series_id AND s.is_summable"   \
    " WHERE c.month_end <= now() AND c.month_end > now() - interval '13 months'"

/* sql returns one row of one column, JSON. */
static json_t *ask(struct pg *p, struct err *e, const char *sql, int count,
                   const char *const *values)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(p, e, sql, count, values);
    if (!r)
        return NULL;
    json_t *answer = json_loads(pg_text(r, 0, 0), 0, NULL);
    if (!answer)
        err_set(e, ERR_RETRY, "no_memory", "no memory");
    return answer;
}

json_t *overview_workers(struct pg *p, struct err *e)
{
    return ask(
        p, e,
        "SELECT coalesce(json_agg(w), '[]') FROM (SELECT name, queue, version,"
        " " AGO("started_at") " AS started_s_ago, " AGO(
            "seen_at") " AS seen_s_ago,"
                       " tasks_done, task_id, clock_ahead_ms FROM meterbeat.worker ORDER BY name"
                       " LIMIT 1000) w",
        PG_NO_ARGS);
}

json_t *overview_open_runs(struct pg *p, int64_t most, struct err *e)
{
    char number[PG_NUMBER];
    return ask(
        p, e,
        "SELECT coalesce(json_agg(r), '[]') FROM (SELECT task_id, task, record_id,"
        " building_id, state, token AS starts, worker, progress,"
        " extract(epoch FROM lease_until - now())::bigint AS due_in_s,"
        " " AGO(
            "created_at") " AS age_s, error_code || ': ' || error AS error"
                          " FROM meterbeat.run WHERE state IN ('waiting', 'running', 'retrying')"
                          " ORDER BY state = 'running' DESC, created_at LIMIT $1) r",
        PG_ARGS(pg_number(most, number)));
}

json_t *overview_counts(struct pg *p, struct err *e)
{
    return ask(
        p, e,
        "SELECT json_build_object('runs', json_build_object("
        "  'waiting', count(*) FILTER (WHERE state = 'waiting'),"
        "  'running', count(*) FILTER (WHERE state = 'running'),"
        "  'retrying', count(*) FILTER (WHERE state = 'retrying'),"
        "  'done', count(*) FILTER (WHERE state = 'done'),"
        "  'dead', count(*) FILTER (WHERE state = 'dead')),"
        " 'outbox', (SELECT json_build_object('messages', count(*), 'oldest_s',"
        "  " AGO("min(created_at)") ") FROM meterbeat.outbox),"
                                    " 'dirty_months', (SELECT count(*) FROM meterbeat.dirty_month),"
                                    " 'months', (SELECT json_build_object('partial',"
                                    "  count(*) FILTER (WHERE c.covered_s < c.expected_s), "
                                    "'covered', count(*))" LAST_MONTHS ")) FROM meterbeat.run",
        PG_NO_ARGS);
}

json_t *overview_custodians(struct pg *p, struct err *e)
{
    return ask(p, e,
               "SELECT json_build_object('pending', (SELECT count(DISTINCT record_id)"
               "  FROM meterbeat.pending), 'refused', (SELECT count(*)"
               "  FROM meterbeat.subscription s JOIN meterbeat.authorization a"
               "  ON a.id = s.authorization_id WHERE a.refused_at IS NOT NULL))",
               PG_NO_ARGS);
}

json_t *overview_fired(struct pg *p, struct err *e)
{
    return ask(p, e,
               "SELECT coalesce(json_object_agg(name, extract(epoch FROM fired_at)::bigint), '{}')"
               " FROM meterbeat.entry WHERE fired_at IS NOT NULL",
               PG_NO_ARGS);
}
