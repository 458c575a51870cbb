/* Forgetting: finished runs, decided ticks, workers that are no more and answers nobody waits for
 * any more, after a number of days; revoked tasks after their own time. */
#include "common/store/purge.h"

#define PURGE_BATCH 1000

/* $1 = days. A tick goes only when its entry's last due time has passed it: it cannot come again.
 */
static const char *const purge_statements[] = {
    ("DELETE FROM meterbeat.run WHERE task_id IN (SELECT task_id FROM meterbeat.run"
     " WHERE finished_at < now() - $1 * interval '1 day' AND state IN ('done', 'dead')"
     " LIMIT 1000 FOR UPDATE SKIP LOCKED)"),
    ("DELETE FROM meterbeat.tick WHERE (entry, due_at) IN (SELECT entry, due_at"
     " FROM meterbeat.tick t WHERE created_at < now() - $1 * interval '1 day'"
     " AND NOT EXISTS (SELECT FROM meterbeat.entry n WHERE n.name = t.entry"
     " AND n.last_due_at < t.due_at) LIMIT 1000 FOR UPDATE SKIP LOCKED)"),
    ("DELETE FROM meterbeat.worker WHERE name IN (SELECT name FROM meterbeat.worker"
     " WHERE seen_at < now() - $1 * interval '1 day' LIMIT 1000 FOR UPDATE SKIP LOCKED)"),
    ("DELETE FROM meterbeat.pending WHERE (record_id, is_named, from_s, to_s) IN"
     " (SELECT record_id, is_named, from_s, to_s FROM meterbeat.pending"
     " WHERE deadline < now() - $1 * interval '1 day' LIMIT 1000 FOR UPDATE SKIP LOCKED)"),
};

static const char purge_revoked_statement[] =
    "DELETE FROM meterbeat.revoked WHERE task_id IN (SELECT task_id FROM meterbeat.revoked"
    " WHERE revoked_at < now() - $1 * interval '1 second' LIMIT 1000 FOR UPDATE SKIP LOCKED)";

/* One statement until nothing is left for it, or enough is done. */
static bool purge_all(struct pg *p, const char *statement, int64_t age, int64_t *total,
                      struct err *e)
{
    char text[PG_NUMBER];
    int64_t rows = PURGE_BATCH;
    pg_number(age, text);
    for (int64_t done = 0; rows == PURGE_BATCH && done < PURGE_MAX_ROWS; done += rows) {
        if (!pg_do(p, e, &rows, statement, PG_ARGS(text)))
            return false;
        *total += rows;
    }
    return true;
}

bool purge_revoked(struct pg *p, int64_t keep_s, int64_t *ret_rows, struct err *e)
{
    *ret_rows = 0;
    return purge_all(p, purge_revoked_statement, keep_s, ret_rows, e);
}

bool purge_old(struct pg *p, int64_t keep_days, int64_t *ret_rows, struct err *e)
{
    *ret_rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(purge_statements); i++)
        if (!purge_all(p, purge_statements[i], keep_days, ret_rows, e))
            return false;
    return true;
}
