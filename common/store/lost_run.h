/* Runs whose message is gone: ended when it had expired, else promised a new one. */
#ifndef METERBEAT_STORE_LOST_RUN_H
#define METERBEAT_STORE_LOST_RUN_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * One statement. Ends runs, at most `max`, whose message has expired and whom nobody holds under a
 * valid lease: such a message is never delivered, so nobody else would. They are done, and their
 * progress says why. Errors: those of pg_query.
 */
MUST_CHECK bool lost_end_expired(struct pg *p, size_t max, int64_t *ret_count, struct err *e);

#define LOST_QUEUE_NAME 256
/* The queues, at most `max`, with runs that were due longer than after_s ago and that nobody has
 * begun: those worth a look. Runs that name none are default_queue's. */
MUST_CHECK bool lost_queues(struct pg *p, const char *default_queue, int64_t after_s,
                            char (*ret_queues)[LOST_QUEUE_NAME], size_t max, size_t *ret_count,
                            struct err *e);

/* Nobody has asked the broker. */
#define LOST_UNKNOWN INT64_C(-1)

struct lost_look {
    const char *queue, *default_queue;
    const char *serializer;
    const char *owner; /* of the promises; NULL: whoever relays */
    int64_t held;      /* messages that the broker has for the queue, asked before; LOST_UNKNOWN */
    int64_t after_s;   /* a run that was due more lately is none to be missed */
    int64_t now_ms;
    size_t max; /* promises of one look */
};

/*
 * Inside the caller's transaction. A run waits for a message: promised, due again, or left by a
 * worker whose lease is over. Its message is missed when
 * - the queue holds fewer messages than runs wait for them: then the oldest, as many as are too
 *   many (a copy that turns out to be one too many fills the gap, so that a long queue is not sent
 *   again), or
 * - a message that was put on the queue later than its own by after_s has been begun, or
 * - it was due six hours ago;
 * each time twice as long after each promise. Missed in two looks half of after_s apart, it is
 * promised anew, with the same task id: should the first turn up after all, whoever comes second
 * finds the run held or ended. Looks of different patience (after_s), or that know the queue and
 * do not, may alternate: what one misses, only one that was due to look at that run and knows what
 * the queue holds can find again. One look at a time: *ret_promised is 0 while another is at it.
 */
MUST_CHECK bool lost_look(struct pg *p, const struct lost_look *look, size_t *ret_promised,
                          struct err *e);

#endif
