/* When a failed attempt is tried again, and when it is not: the backoff schedule. Pure. */
#ifndef METERBEAT_WORKER_RUNTIME_RETRY_H
#define METERBEAT_WORKER_RUNTIME_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fixed delays in seconds, growing; each has a retry queue of its own. */
struct backoff_schedule {
    const int64_t *delays_s;
    size_t count;
};

/*
 * The delay for an attempt that failed after `failed` earlier failures, or 0: the schedule is
 * exhausted, it is dead. One in four, by `random`, takes the next longer delay, so that what failed
 * together does not come back together. retry_after_s: what the peer asked for; the shortest delay
 * that respects it, at most the last.
 */
int64_t retry_delay(struct backoff_schedule schedule, int64_t failed, int32_t retry_after_s,
                    uint32_t random);
/* The longest delay that is over within wait_ms, or 0: too short for all of them. */
int64_t retry_delay_within(struct backoff_schedule schedule, int64_t wait_ms);
/* Where a message goes when the queue of delay_s does not take it: the n-th other delay (from 0
 * on), the next shorter ones first, then the longer; 0: no more. */
int64_t retry_delay_instead(struct backoff_schedule schedule, int64_t delay_s, size_t n);

#endif
