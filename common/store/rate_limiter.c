/* Requests to a host, limited over all workers together: at once, and in a minute. */
#include "common/store/rate_limiter.h"

#define MINUTE_MS 60000
/* Nobody can tell when a request under way will be over. */
#define ASK_AGAIN_MS 1000

int64_t rate_limiter_decide(const struct rate_limits *limits,
                            const struct rate_limiter_state *state)
{
    int64_t wait_ms = 0;
    if (state->in_minute >= limits->per_minute)
        wait_ms = MINUTE_MS - state->oldest_age_ms;
    if (state->in_minute >= limits->per_minute && wait_ms < 1)
        wait_ms = 1;
    if (state->under_way >= limits->at_once && wait_ms < ASK_AGAIN_MS)
        wait_ms = ASK_AGAIN_MS;
    return wait_ms;
}

/* One at a time for each host; the lock ends with the transaction. Places over a minute old tell
 * nothing any more, unless they are held. */
static bool rate_limiter_look(struct pg *p, const char *host, const struct rate_limits *limits,
                              struct rate_limiter_state *ret_state, struct err *e)
{
    char most[PG_NUMBER];
    if (!pg_do(p, e, NULL, "SELECT pg_advisory_xact_lock(hashtextextended($1, 20261124))",
               PG_ARGS(host)) ||
        !pg_do(p, e, NULL,
               "DELETE FROM meterbeat.host_gate WHERE host = $1"
               " AND taken_at < clock_timestamp() - interval '1 minute'"
               " AND (released_at IS NOT NULL OR until < clock_timestamp())",
               PG_ARGS(host)))
        return false;
    /* the one that has to be a minute old before the next may begin: the per_minute-th newest */
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT count(*) FILTER (WHERE released_at IS NULL AND until > clock_timestamp()),"
                 " count(*) FILTER (WHERE taken_at > clock_timestamp() - interval '1 minute'),"
                 " (SELECT (extract(epoch FROM clock_timestamp() - taken_at) * 1000)::bigint"
                 "  FROM meterbeat.host_gate WHERE host = $1 ORDER BY taken_at DESC"
                 "  OFFSET $2::bigint - 1 LIMIT 1)"
                 " FROM meterbeat.host_gate WHERE host = $1",
                 PG_ARGS(host, pg_number(limits->per_minute, most)));
    if (!r)
        return false;
    *ret_state = (struct rate_limiter_state){.under_way = pg_int(r, 0, 0, 0),
                                             .in_minute = pg_int(r, 0, 1, 0),
                                             .oldest_age_ms = pg_int(r, 0, 2, 0)};
    return true;
}

/* A task asks one thing at a time: what it holds yet is of a worker that died with it. */
static bool rate_limiter_take_back(struct pg *p, const char *holder, struct err *e)
{
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.host_gate SET released_at = clock_timestamp()"
                 " WHERE holder = $1 AND released_at IS NULL",
                 PG_ARGS(holder));
}

static bool rate_limiter_take(struct pg *p, const char *host, const char *holder, int64_t lease_s,
                              int64_t *ret_place, struct err *e)
{
    char lease[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "INSERT INTO meterbeat.host_gate (host, holder, taken_at, until) VALUES ($1, $2,"
                 " clock_timestamp(), clock_timestamp() + $3 * interval '1 second') RETURNING id",
                 PG_ARGS(host, holder, pg_number(lease_s, lease)));
    if (!r)
        return false;
    *ret_place = pg_int(r, 0, 0, 0);
    return true;
}

bool rate_limiter_acquire(struct pg *p, const char *host, const char *holder,
                          const struct rate_limits *limits, int64_t lease_s, int64_t *ret_place,
                          int64_t *ret_wait_ms, struct err *e)
{
    struct rate_limiter_state state;
    bool ok = pg_begin(p, e) && rate_limiter_take_back(p, holder, e) &&
              rate_limiter_look(p, host, limits, &state, e);
    if (ok) {
        *ret_wait_ms = rate_limiter_decide(limits, &state);
        ok = (*ret_wait_ms > 0 || rate_limiter_take(p, host, holder, lease_s, ret_place, e)) &&
             pg_commit(p, e);
    }
    if (!ok)
        pg_rollback(p);
    return ok;
}

bool rate_limiter_release(struct pg *p, int64_t place, struct err *e)
{
    char number[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.host_gate SET released_at = clock_timestamp() WHERE id = $1",
                 PG_ARGS(pg_number(place, number)));
}
