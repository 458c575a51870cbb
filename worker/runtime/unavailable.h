/* Queues that did not take a message lately: other retry queues do the work of one, what goes to
 * another waits in the outbox. */
#ifndef METERBEAT_WORKER_RUNTIME_SHUNNED_H
#define METERBEAT_WORKER_RUNTIME_SHUNNED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"

/* At most so many are remembered; of more, those whose time is over soonest are forgotten. */
#define UNAVAILABLE_MAX 16
/* A queue that has come back is used again after so long; one that has not costs a wait as often.
 */
#define UNAVAILABLE_FOR_MS (5 * 60 * 1000)

/* {0} to begin with; the executor's thread only. */
struct unavailable_queues {
    struct {
        char queue[BROKER_QUEUE_NAME];
        int64_t until_ms; /* monotonic */
    } queues[UNAVAILABLE_MAX];
};

/* From now on, for SHUNNED_FOR_MS. */
void unavailable_add(struct unavailable_queues *s, const char *queue, int64_t now_ms);
bool unavailable_has(const struct unavailable_queues *s, const char *queue, int64_t now_ms);

#endif
