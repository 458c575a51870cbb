/* Queues that did not take a message lately: other retry queues do the work of one, what goes to
 * another waits in the outbox. */
#ifndef METERBEAT_WORKER_RUNTIME_SHUNNED_H
#define METERBEAT_WORKER_RUNTIME_SHUNNED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"

/* At most so many are remembered; of more, those whose time is over soonest are forgotten. */
#define SHUNNED_MAX 16
/* A queue that has come back is used again after so long; one that has not costs a wait as often.
 */
#define SHUNNED_FOR_MS (5 * 60 * 1000)

/* {0} to begin with; the executor's thread only. */
struct shunned {
    struct {
        char queue[BROKER_QUEUE_NAME];
        int64_t until_ms; /* monotonic */
    } queues[SHUNNED_MAX];
};

/* From now on, for SHUNNED_FOR_MS. */
void shunned_add(struct shunned *s, const char *queue, int64_t now_ms);
bool shunned_has(const struct shunned *s, const char *queue, int64_t now_ms);

#endif
