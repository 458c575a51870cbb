/* Requests to a host, limited over all workers together: at once, and in a minute. */
#ifndef METERBEAT_STORE_RATE_LIMITER_H
#define METERBEAT_STORE_RATE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

struct gate_limits {
    int64_t at_once, per_minute;
};

/* What the books say of a host. */
struct gate_state {
    int64_t under_way;
    int64_t in_minute;     /* begun within the last minute */
    int64_t oldest_age_ms; /* of the one that, once a minute old, makes room; 0: there is none */
};

/* 0: a request may begin; else milliseconds after which it is worth asking again. Pure. */
int64_t gate_decide(const struct gate_limits *limits, const struct gate_state *state);
/*
 * Outside a transaction. Takes a place at `host` for `holder`, whose earlier ones are over (it asks
 * one thing at a time, so that they are of a worker that died), until lease_s from now, by when a
 * worker that died has given it up anyway. *ret_wait_ms 0: taken, give *ret_place back; else
 * nothing was taken. Errors as pg_query.
 */
MUST_CHECK bool gate_enter(struct pg *p, const char *host, const char *holder,
                           const struct gate_limits *limits, int64_t lease_s, int64_t *ret_place,
                           int64_t *ret_wait_ms, struct err *e);
/* The request is over. Errors as pg_query: then the lease runs out by itself. */
MUST_CHECK bool gate_leave(struct pg *p, int64_t place, struct err *e);

#endif
