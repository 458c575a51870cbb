/* Task ids that are not to run: for the workers that start after the ones that were told. */
#include "common/store/revoked_task.h"

/* In the order of the ids, so that two workers that are told the same do not lock each other out.
 */
bool revoked_save(struct pg *p, const char *ids_json, struct err *e)
{
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.revoked (task_id)"
                 " SELECT DISTINCT id FROM jsonb_array_elements_text($1::jsonb) AS ids (id)"
                 " ORDER BY id ON CONFLICT (task_id) DO UPDATE SET revoked_at = now()",
                 PG_ARGS(ids_json));
}

bool revoked_load(struct pg *p, int64_t keep_s, int64_t most, revoked_take *take, void *context,
                  size_t *ret_count, struct err *e)
{
    char seconds[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT task_id, greatest(0, extract(epoch FROM now() - revoked_at) * 1000)::bigint"
        " FROM meterbeat.revoked WHERE revoked_at > now() - $1 * interval '1 second'"
        " ORDER BY revoked_at DESC LIMIT $2",
        PG_ARGS(pg_number(keep_s, seconds), pg_number(most, limit)));
    if (!r)
        return false;
    for (int row = PQntuples(r); row-- > 0;)
        take(context, pg_text(r, row, 0), pg_int(r, row, 1, 0));
    *ret_count = (size_t)PQntuples(r);
    return true;
}
