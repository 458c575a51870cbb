/* Runs whose message is gone: ended when it had expired, else promised a new one. */
#include "common/store/lost_run.h"

#include <jansson.h>
#include <stdio.h>

#include "common/store/outbox.h"

#define LOST_OPEN " state IN ('waiting', 'running', 'retrying')"
/* Somebody works on it, or its message is still to be sent. */
#define LOST_NOBODYS                                                                               \
    " AND NOT (r.state = 'running' AND r.lease_until > now())"                                     \
    " AND NOT EXISTS (SELECT FROM meterbeat.outbox o WHERE o.task_id = r.task_id)"

bool lost_run_end_expired(struct pg *p, size_t max, int64_t *ret_count, struct err *e)
{
    char limit[PG_NUMBER];
    return pg_do(p, e, ret_count,
                 "UPDATE meterbeat.run SET state = 'done', finished_at = now(), lease_until = NULL,"
                 " progress = 'expired before it was done' || CASE WHEN state = 'running' THEN"
                 "  ': the lease of ' || coalesce(worker, '?') || ' ended at '"
                 "  || to_char(lease_until, 'YYYY-MM-DD HH24:MI:SS') || ' UTC' ELSE '' END"
                 " WHERE task_id IN (SELECT task_id FROM meterbeat.run r WHERE" LOST_OPEN
                 " AND expires_at < now() - interval '1 second'" LOST_NOBODYS
                 " LIMIT $1::bigint FOR UPDATE SKIP LOCKED)",
                 PG_ARGS(pg_number((int64_t)max, limit)));
}

bool lost_run_queues(struct pg *p, const char *default_queue, int64_t after_s,
                     char (*ret_queues)[LOST_QUEUE_NAME], size_t max, size_t *ret_count,
                     struct err *e)
{
    char after[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT DISTINCT coalesce(r.queue, $1) FROM meterbeat.run r WHERE" LOST_OPEN
                 " AND lease_until < now() - $2 * interval '1 s'" LOST_NOBODYS
                 " AND octet_length(coalesce(r.queue, $1)) < 256 LIMIT $3::bigint",
                 PG_ARGS(default_queue, pg_number(after_s, after), pg_number((int64_t)max, limit)));
    if (!r)
        return false;
    *ret_count = (size_t)PQntuples(r);
    for (size_t i = 0; i < *ret_count; i++)
        snprintf(ret_queues[i], LOST_QUEUE_NAME, "%s", pg_text(r, (int)i, 0));
    return true;
}

/* Notes which runs are missed as of now, and which are not any more. A look that does not know what
 * the queue holds, or has more patience than another one, does not know better than that one: it
 * unsays nothing. */
static bool lost_note_missed(struct pg *p, const struct lost_run_look *look, struct err *e)
{
    char after[PG_NUMBER], held[PG_NUMBER];
    return pg_do(
        p, e, NULL,
        "WITH waits AS MATERIALIZED (SELECT * FROM meterbeat.run r WHERE" LOST_OPEN
        "  AND coalesce(r.queue, $2) = $1" LOST_NOBODYS "),"
        " due AS (SELECT * FROM waits WHERE arguments IS NOT NULL AND lease_until"
        "  < now() - least($3::bigint * power(2, least(renewals, 12)), 86400) * interval '1 s'),"
        /* a tick's message came to the queue when the tick was promised, or later */
        " latest AS (SELECT t.created_at FROM meterbeat.tick t JOIN meterbeat.run s USING (task_id)"
        "  WHERE s.queue = $1 AND s.started_at >= t.created_at"
        "  AND t.created_at > now() - interval '6 hours' ORDER BY t.created_at DESC LIMIT 1),"
        " passed AS (SELECT greatest((SELECT created_at FROM latest), (SELECT max(enqueued_at)"
        "  FROM meterbeat.run WHERE queue = $1 AND started_at >= enqueued_at))"
        "  - $3::bigint * interval '1 s' AS by),"
        " missed AS ((SELECT task_id FROM due ORDER BY lease_until, task_id LIMIT"
        "   CASE WHEN $4::bigint < 0 THEN 0"
        "   ELSE greatest((SELECT count(*) FROM waits) - $4::bigint, 0) END)"
        "  UNION SELECT task_id FROM due, passed WHERE enqueued_at < passed.by"
        "  UNION SELECT task_id FROM due WHERE lease_until < now() - interval '6 hours')"
        " UPDATE meterbeat.run r SET missed_at = CASE WHEN r.missed_at IS NULL THEN now() END"
        " FROM due WHERE r.task_id = due.task_id AND ($4::bigint >= 0 OR r.missed_at IS NULL)"
        " AND (r.task_id IN (SELECT task_id FROM missed)) <> (r.missed_at IS NOT NULL)",
        PG_ARGS(look->queue, look->default_queue, pg_number(look->after_s, after),
                pg_number(look->held, held)));
}

/* The message of a run, made of its row: task_id, task, parent_id, root_id, failed, arguments. */
static bool lost_promise(struct pg *p, const struct lost_run_look *look, const PGresult *r, int row,
                         struct err *e)
{
    json_t *arguments = json_loads(pg_text(r, row, 5), JSON_ALLOW_NUL, NULL);
    struct task_message m = {.id = (char *)pg_text(r, row, 0),
                             .task = (char *)pg_text(r, row, 1),
                             .parent_id = (char *)pg_text(r, row, 2),
                             .root_id = (char *)pg_text(r, row, 3),
                             .retries = pg_int(r, row, 4, 0),
                             .expires_ms = pg_int(r, row, 6, 0),
                             .args = json_array_get(arguments, 0),
                             .kwargs = json_array_get(arguments, 1),
                             .priority = -1,
                             .protocol = 2};
    bool whole = json_is_array(m.args) && json_is_object(m.kwargs);
    bool ok =
        !whole || outbox_add(p, look->owner, look->queue, &m, look->serializer, look->now_ms, e);
    json_decref(arguments);
    return ok;
}

/* Those that were missed before and still are. */
static bool lost_promise_missed(struct pg *p, const struct lost_run_look *look,
                                size_t *ret_promised, struct err *e)
{
    char patience[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "UPDATE meterbeat.run SET lease_until = now(), enqueued_at = now(),"
                 " missed_at = NULL, renewals = renewals + 1 WHERE task_id IN (SELECT task_id"
                 "  FROM meterbeat.run r WHERE" LOST_OPEN " AND coalesce(r.queue, $2) = $1"
                 "  AND missed_at <= now() - $3 * interval '0.5 s'" LOST_NOBODYS
                 "  ORDER BY lease_until LIMIT $4::bigint FOR UPDATE SKIP LOCKED)"
                 " RETURNING task_id, task, parent_id, root_id, failed, arguments,"
                 " floor(extract(epoch FROM expires_at) * 1000)::bigint",
                 PG_ARGS(look->queue, look->default_queue, pg_number(look->after_s, patience),
                         pg_number((int64_t)look->max, limit)));
    if (!r)
        return false;
    for (int row = 0; row < PQntuples(r); row++)
        if (!lost_promise(p, look, r, row, e))
            return false;
    *ret_promised = (size_t)PQntuples(r);
    return true;
}

bool lost_run_look(struct pg *p, const struct lost_run_look *look, size_t *ret_promised,
                   struct err *e)
{
    *ret_promised = 0;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT pg_try_advisory_xact_lock(hashtextextended('meterbeat lost', 0))",
                 PG_NO_ARGS);
    if (!r)
        return false;
    return !pg_bool(r, 0, 0) ||
           (lost_promise_missed(p, look, ret_promised, e) && lost_note_missed(p, look, e));
}
