/* Celery's native delayed delivery: the topology through which a client's eta messages come to us.
 */
#ifndef METERBEAT_CELERY_DELAYED_DELIVERY_H
#define METERBEAT_CELERY_DELAYED_DELIVERY_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/connection.h"

/*
 * A client whose queues are quorum queues with a topic exchange sends what is due later through 28
 * levels of exchanges and queues, level n waiting 2^n seconds where bit n of its routing key is 1;
 * its workers make them. Makes them as kombu 5.7 does (native_delayed_delivery.py) where they are
 * missing, queue_type "classic" or "quorum", and leads what comes out of them to `queue` by a topic
 * exchange of its name. Only on a channel that holds no deliveries: asking for what is not there
 * closes it. False: as broker_declare_topology.
 */
MUST_CHECK bool delayed_delivery_declare(struct broker *b, const char *queue,
                                         const char *queue_type, struct err *e);

#endif
