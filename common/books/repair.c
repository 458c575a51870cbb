/* Repairs: parses of a named window that were promised because KairosDB lost what it had shown. */
#include "books/repair.h"

bool repair_is_promised(struct pg *p, int64_t record_id, int64_t from_s, int64_t to_s,
                        bool *ret_promised, struct err *e)
{
    char record[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT EXISTS (SELECT FROM meterbeat.run WHERE task = 'parse' AND record_id = $1"
        " AND NOT only_one AND (state IN ('waiting', 'running', 'retrying')"
        " OR created_at > now() - interval '1 minute')"
        " AND arguments::jsonb->1 = jsonb_build_object('from', $2::bigint, 'to',"
        " $3::bigint))",
        PG_ARGS(pg_number(record_id, record), pg_number(from_s, from), pg_number(to_s, to)));
    if (!r)
        return false;
    *ret_promised = pg_bool(r, 0, 0);
    return true;
}
