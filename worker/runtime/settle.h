/* What becomes of an attempt: the one place that decides how a delivery ends. */
#ifndef METERBEAT_WORKER_RUNTIME_SETTLE_H
#define METERBEAT_WORKER_RUNTIME_SETTLE_H

#include "worker/runtime/attempt.h"

/*
 * Everything that follows from how the attempt ended, by why->kind alone (`why` with ERR_NONE: its
 * task is done): its run, its results, the retry queue or the dead-letter queue, each confirmed
 * before the delivery is acknowledged. Returns how to settle it; SETTLE_LEAVE also when a stop
 * comes first or the delivery is void.
 */
enum settlement settle(struct attempt *a, const struct err *why);
/* It is not to start yet: again after delay_s, by way of the retry queue of that delay. */
enum settlement settle_later(struct attempt *a, int64_t delay_s);
/* A copy of a delivery that another worker is at work on: again when that one's lease may be over.
 * It is not dropped: should the other message be lost with its worker, this one is left. */
enum settlement settle_copy(struct attempt *a);
/* It has come back to its quorum queue so often that the queue would drop it some time: published
 * anew, by way of the shortest retry queue, it starts again at nought. */
enum settlement settle_afresh(struct attempt *a);
/* The run of its task id had ended before: whoever ended it may not have come to telling its
 * sender, so that is told once more, with the same ids. */
enum settlement settle_ended(struct attempt *a, enum run_state state);

#endif
