/* Results and follow-up messages of one attempt: sent together, confirmed before its delivery is
 * acknowledged; and what becomes of those that the broker does not take. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISH_BATCH_H
#define METERBEAT_WORKER_RUNTIME_PUBLISH_BATCH_H

#include "worker/runtime/attempt.h"
#include "common/celery/result.h"
#include "common/celery/canvas.h"

/* As much as is sent at once: a hostile message may ask for thousands of long ones. */
#define PUBLISH_BATCH_ITEMS 64
#define PUBLISH_BATCH_BYTES ((size_t)4 * 1024 * 1024)

struct publish_batch_item {
    struct message message; /* owned */
    struct publish_route route;
    const struct callback *follow_up; /* borrowed; NULL: a result */
    int refusals;
};

/* Executor thread; struct publish_batch batch = {.attempt = a}. */
struct publish_batch {
    struct attempt *attempt;
    size_t count, bytes;
    struct publish_batch_item items[PUBLISH_BATCH_ITEMS];
};

/*
 * Each takes one more, and sends those so far when they are many. False: a stop or a void delivery
 * came first, or no memory; what is still in it is freed.
 * A follow-up whose queue or exchange is not there, does not answer or refuses it again and again,
 * goes to the dead-letter queue ("no_queue", "no_exchange", "no_confirm", "publish_refused"), and
 * its client is told. A result that nobody takes is dropped, as by Celery; one that is refused
 * again and again too.
 */
MUST_CHECK bool publish_batch_add_callback(struct publish_batch *batch, const struct callback *f);
/* Takes over v; to: borrowed until it is sent. */
MUST_CHECK bool publish_batch_add_result(struct publish_batch *batch, struct message *v,
                                         const char *to);
/* All the rest. */
MUST_CHECK bool publish_batch_send(struct publish_batch *batch);

#endif
