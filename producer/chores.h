/* What the producer does beside firing: messages of the dead are sent, what is too old is deleted.
 */
#ifndef METERBEAT_PRODUCER_CHORES_H
#define METERBEAT_PRODUCER_CHORES_H

#include "producer/connections.h"
#include "producer/relay.h"

/* When each is due next; monotonic milliseconds. Zeroed: at once. */
struct chores {
    int64_t relay_due_ms, purge_due_ms, look_due_ms;
};

/* Does those that are due; both connections are up. False: as relay_send. */
MUST_CHECK bool chores_do(struct chores *c, struct connections *l, int64_t now_ms,
                          struct relay_count *ret_count, struct err *e);

#endif
