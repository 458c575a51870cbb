/* Who is there: one row a worker process, for `meterbeatctl status` to read. */
#include "common/store/worker_heartbeat.h"

#define DATABASE_MS "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

bool worker_heartbeat_tell(struct pg *p, const struct worker_heartbeat *w, int64_t *ret_now_ms,
                           struct err *e)
{
    char pid[PG_NUMBER], done[PG_NUMBER], own[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "INSERT INTO meterbeat.worker"
                 " (name, host, pid, queue, version, task_id, tasks_done, clock_ahead_ms)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint - " DATABASE_MS
                 ") ON CONFLICT (name) DO UPDATE SET seen_at = now(), task_id = excluded.task_id,"
                 " tasks_done = excluded.tasks_done, clock_ahead_ms = excluded.clock_ahead_ms"
                 " RETURNING " DATABASE_MS,
                 PG_ARGS(w->name, w->host, pg_number(w->pid, pid), w->queue, w->version, w->task_id,
                         pg_number(w->tasks_done, done), pg_number(w->wall_ms, own)));
    if (!r)
        return false;
    *ret_now_ms = pg_int(r, 0, 0, 0);
    return true;
}

bool worker_heartbeat_end(struct pg *p, const char *name, struct err *e)
{
    return pg_do(p, e, NULL, "DELETE FROM meterbeat.worker WHERE name = $1", PG_ARGS(name));
}
