/* Results and follow-up messages of one attempt: sent together, confirmed before its delivery is
 * acknowledged; and what becomes of those that the broker does not take. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISH_BATCH_H
#define METERBEAT_WORKER_RUNTIME_PUBLISH_BATCH_H

#include "worker/runtime/attempt.h"
#include "common/celery/result.h"
#include "common/celery/canvas.h"

/* As much as is sent at once: a hostile message may ask for thousands of long ones. */
#define MAILING_ITEMS 64
#define MAILING_BYTES ((size_t)4 * 1024 * 1024)

struct mailing_item {
    struct envelope envelope; /* owned */
    struct publish_route route;
    const struct follow_up *follow_up; /* borrowed; NULL: a result */
    int refusals;
};

/* Executor thread; struct mailing m = {.attempt = a}. */
struct mailing {
    struct attempt *attempt;
    size_t count, bytes;
    struct mailing_item items[MAILING_ITEMS];
};

/*
 * Each takes one more, and sends those so far when they are many. False: a stop or a void delivery
 * came first, or no memory; what is still in m is freed.
 * A follow-up whose queue or exchange is not there, does not answer or refuses it again and again,
 * goes to the dead-letter queue ("no_queue", "no_exchange", "no_confirm", "publish_refused"), and
 * its client is told. A result that nobody takes is dropped, as by Celery; one that is refused
 * again and again too.
 */
MUST_CHECK bool mailing_follow_up(struct mailing *m, const struct follow_up *f);
/* Takes over v; to: borrowed until it is sent. */
MUST_CHECK bool mailing_result(struct mailing *m, struct envelope *v, const char *to);
/* All the rest. */
MUST_CHECK bool mailing_send(struct mailing *m);

#endif
