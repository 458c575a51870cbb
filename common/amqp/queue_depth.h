/* How many messages the broker has for a work queue, wherever they wait. */
#ifndef METERBEAT_AMQP_QUEUE_DEPTH_H
#define METERBEAT_AMQP_QUEUE_DEPTH_H

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"

/*
 * The number of ready messages in a work queue, its retry queues, and those that take their place
 * by *r (broker_declare_topology); excludes unacknowledged ones. *ret_there: whether the work queue
 * exists. False: ERR_RETRY "broker_lost".
 */
MUST_CHECK bool broker_work_depth(struct broker *b, const struct settings *s, const char *queue,
                                  const struct retry_queues *r, bool *ret_there,
                                  int64_t *ret_messages, struct err *e);

#endif
