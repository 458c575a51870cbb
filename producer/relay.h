/* From the outbox to RabbitMQ: publish, wait for the confirms, and only then forget. */
#ifndef METERBEAT_PRODUCER_RELAY_H
#define METERBEAT_PRODUCER_RELAY_H

#include "producer/connections.h"

/* Most rows taken at once. */
#define RELAY_BATCH 1000

struct relay_count {
    size_t taken, sent, refused, expired;
    char refusal[400];  /* why the first one was refused, with its queue */
    bool broker_failed; /* whose failure it was; else the database's */
    bool timed_out;     /* the broker did not confirm all in time */
};

/*
 * The database is connected. Sends at most RELAY_BATCH rows: those of `owner`, or (NULL) those
 * older than older_than_s of anybody. What the broker has not confirmed stays in the outbox. False:
 * ERR_RETRY, ret_count says of whom; what was confirmed before is forgotten all the same.
 *
 * Queues that did not confirm in time are left out (l->unresponsive, which it keeps): when one is
 * due again, one row of it is sent by a connection of its own. A time-out ends l->broker; without
 * it nothing is sent.
 */
MUST_CHECK bool relay_send(struct connections *l, const char *owner, int64_t older_than_s,
                           struct relay_count *ret_count, struct err *e);

#endif
