/* When a failed attempt is tried again, and when it is not: the retry ladder as a pure decision. */
#ifndef METERBEAT_WORKER_RUNTIME_RETRY_H
#define METERBEAT_WORKER_RUNTIME_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rungs: fixed delays in seconds, growing. */
struct ladder {
    const int64_t *delays_s;
    size_t rungs;
};

/*
 * The delay of the rung for an attempt that failed after `failed` earlier failures, or 0: no rung
 * is left, it is dead. One in four, by `random`, takes the rung above, so that what failed together
 * does not come back together. retry_after_s: what the peer asked for; the smallest rung that
 * respects it, at most the last.
 */
int64_t retry_delay(struct ladder ladder, int64_t failed, int32_t retry_after_s, uint32_t random);
/* The longest rung that is over within wait_ms, or 0: too short for all of them. */
int64_t retry_delay_within(struct ladder ladder, int64_t wait_ms);

/* Where a letter goes when the queue of delay_s does not take it: the n-th other delay (from 0 on),
 * the next shorter ones first, then the longer; 0: no more. */
int64_t retry_delay_instead(struct ladder ladder, int64_t delay_s, size_t n);

#endif
