/* Celery's native delayed delivery: the exchanges and queues through which a client's eta messages
 * reach the worker. */
#ifndef METERBEAT_CELERY_DELAYED_DELIVERY_H
#define METERBEAT_CELERY_DELAYED_DELIVERY_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/connection.h"

/*
 * A client whose queues are quorum queues behind a topic exchange sends messages that are due later
 * through 28 levels of exchanges and queues. Level n delays by 2^n seconds if bit n of the routing
 * key is 1. Its workers make them: this makes missing ones as kombu 5.7 does
 * (native_delayed_delivery.py), with queue_type "classic" or "quorum", and binds their output to
 * `queue` through a topic exchange of its name. Only on a channel without deliveries: declaring
 * something missing passively closes it. False: as broker_declare_topology.
 */
MUST_CHECK bool delayed_delivery_declare(struct broker *b, const char *queue,
                                         const char *queue_type, struct err *e);

#endif
