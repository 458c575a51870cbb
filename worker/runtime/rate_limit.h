/* How often a task may start: Celery's "10/m" as a token bucket that holds one token. Pure. */
#ifndef METERBEAT_WORKER_RUNTIME_RATE_LIMIT_H
#define METERBEAT_WORKER_RUNTIME_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

struct rate_limit {
    double per_s; /* 0: no limit */
    double tokens;
    int64_t at_ms; /* monotonic: when there were so many */
};

enum rate_fault { RATE_OK, RATE_NO_NUMBER, RATE_NO_UNIT };

/* "5", "0.5/s", "10/m", "2/h" into starts a second; "", "0" and what is no more: 0, no limit. */
MUST_CHECK enum rate_fault rate_limit_parse(const char *text, double *ret_per_s);
/* With its token. */
struct rate_limit rate_limit_make(double per_s, int64_t now_ms);
/* 0: the token is taken; else the milliseconds until there will be one, at most a week. */
int64_t rate_limit_take(struct rate_limit *r, int64_t now_ms);

#endif
