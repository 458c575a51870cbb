/* Runs whose message is gone: ended if it had expired, otherwise given a new one. */
#ifndef METERBEAT_STORE_LOST_RUN_H
#define METERBEAT_STORE_LOST_RUN_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * One statement. Ends runs, at most `max`, whose message has expired and that nobody holds under a
 * valid lease; such a message is never delivered. They become done, and their progress says why.
 * Errors: those of pg_query.
 */
MUST_CHECK bool lost_run_end_expired(struct pg *p, size_t max, int64_t *ret_count, struct err *e);

#define LOST_QUEUE_NAME 256
/* The queues, at most `max`, of runs that were due longer than after_s ago and that nobody has
 * begun. Runs without a queue count for default_queue. */
MUST_CHECK bool lost_run_queues(struct pg *p, const char *default_queue, int64_t after_s,
                                char (*ret_queues)[LOST_QUEUE_NAME], size_t max, size_t *ret_count,
                                struct err *e);

/* The broker has not been asked. */
#define LOST_UNKNOWN INT64_C(-1)

struct lost_run_look {
    const char *queue, *default_queue;
    const char *serializer;
    const char *owner; /* of the outbox rows; NULL: the relay */
    int64_t held;    /* messages in the queue according to the broker, asked before; LOST_UNKNOWN */
    int64_t after_s; /* runs that became due more recently are not checked */
    int64_t now_ms;
    size_t max; /* runs enqueued again per check */
};

/*
 * In the caller's transaction. A run waits for a message when it was enqueued, is due again, or was
 * left by a worker whose lease has expired. Its message counts as missed when
 * - the queue holds fewer messages than there are runs waiting for them: then the oldest, as many
 *   as there are too many (a superfluous copy fills the gap, so that a long queue is not sent
 *   again), or
 * - a message that was queued after_s later than its own has been begun, or
 * - it was due six hours ago;
 * each time twice as long after each new message. If two checks, half of after_s apart, miss it, it
 * is enqueued again with the same task id: should the first turn up after all, whoever comes second
 * finds the run held or ended. Checks with different patience (after_s), or with and without
 * knowledge of the queue, may alternate: a miss is cleared only by a check that was due to look at
 * that run and knows the queue's length. One check at a time: *ret_promised is 0 while another is
 * running.
 */
MUST_CHECK bool lost_run_look(struct pg *p, const struct lost_run_look *look, size_t *ret_promised,
                              struct err *e);

#endif
