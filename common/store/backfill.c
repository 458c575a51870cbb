/* Repairs: parses of a named window that were promised because KairosDB lost what it had shown. */
#include "common/store/backfill.h"

bool backfill_is_enqueued(struct pg *p, int64_t record_id, int64_t from_s, int64_t to_s,
                          bool is_manual, bool *ret_promised, struct err *e)
{
    char record[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER];
    /* one transaction at a time: what another one promises meanwhile would not be seen */
    if (!pg_do(p, e, NULL, "SELECT pg_advisory_xact_lock(hashtextextended('meterbeat repair', 0))",
               PG_NO_ARGS))
        return false;
    /* The text that promise_parse writes: jsonb would refuse what other arguments may hold (NUL) */
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT coalesce(bool_or(state IN ('waiting', 'running', 'retrying'))"
        " OR (NOT $4::boolean AND max(created_at) > now() - least(interval '1 day',"
        " interval '1 minute' * power(2, least(count(*), 20) - 1))), false)"
        " FROM meterbeat.run WHERE task = 'parse' AND record_id = $1::bigint AND NOT only_one"
        " AND arguments = format('[[%s],{\"from\":%s,\"to\":%s}]', $1::bigint, $2::bigint,"
        " $3::bigint)",
        PG_ARGS(pg_number(record_id, record), pg_number(from_s, from), pg_number(to_s, to),
                is_manual ? "t" : "f"));
    if (!r)
        return false;
    *ret_promised = pg_bool(r, 0, 0);
    return true;
}
