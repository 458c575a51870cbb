/* Limits requests to a host, over all workers together: concurrent ones, and those per minute. */
#ifndef METERBEAT_STORE_RATE_LIMITER_H
#define METERBEAT_STORE_RATE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

struct rate_limits {
    int64_t at_once, per_minute;
};

/* The state of a host. */
struct rate_limiter_state {
    int64_t under_way;
    int64_t in_minute; /* begun within the last minute */
    /* age of the one that makes room when it is a minute old; 0: there is none */
    int64_t oldest_age_ms;
};

/* 0: a request may begin; else milliseconds until it is worth trying again. Pure. */
int64_t rate_limiter_decide(const struct rate_limits *limits,
                            const struct rate_limiter_state *state);
/*
 * Outside a transaction. Takes a slot at `host` for `holder`, and releases its earlier ones (a
 * holder makes one request at a time, so those are of a worker that died). It is held until it is
 * released, at most until lease_s from now, in case this worker dies. *ret_wait_ms 0: taken,
 * release *ret_place; else nothing was taken. Errors as pg_query.
 */
MUST_CHECK bool rate_limiter_acquire(struct pg *p, const char *host, const char *holder,
                                     const struct rate_limits *limits, int64_t lease_s,
                                     int64_t *ret_place, int64_t *ret_wait_ms, struct err *e);
/* Releases the slot. Errors as pg_query: then its lease expires by itself. */
MUST_CHECK bool rate_limiter_release(struct pg *p, int64_t place, struct err *e);

#endif
