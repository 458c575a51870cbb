/* Who is there: one row a worker process, for `meterbeatctl status` to read. */
#include "books/presence.h"

bool presence_tell(struct pg *p, const struct presence *w, struct err *e)
{
    char pid[PG_NUMBER], done[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.worker"
                 " (name, host, pid, queue, version, task_id, tasks_done)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET"
                 " seen_at = now(), task_id = excluded.task_id, tasks_done = excluded.tasks_done",
                 PG_ARGS(w->name, w->host, pg_number(w->pid, pid), w->queue, w->version, w->task_id,
                         pg_number(w->tasks_done, done)));
}

bool presence_end(struct pg *p, const char *name, struct err *e)
{
    return pg_do(p, e, NULL, "DELETE FROM meterbeat.worker WHERE name = $1", PG_ARGS(name));
}
