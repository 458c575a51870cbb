/* A connection for what may be lost: exchanges, queues that go with it, publishing unconfirmed. */
#ifndef METERBEAT_AMQP_EXCHANGE_H
#define METERBEAT_AMQP_EXCHANGE_H

#include "common/amqp/connection.h"

/*
 * As broker_open, but without publisher confirms: use broker_send alone on it. A body over keep_max
 * bytes is read and forgotten: its delivery comes with defect "too_large" and an empty body.
 */
MUST_CHECK bool broker_open_plain(const struct settings *s, const char *connection_name,
                                  size_t keep_max, struct broker **ret_broker, struct err *e);

/* Made when missing. False: ERR_RETRY "queue_mismatch" (it is there, of another make; the channel
 * is reopened), "broker_lost". */
MUST_CHECK bool broker_declare_exchange(struct broker *b, const char *name, const char *type,
                                        bool durable, struct err *e);
/* For this connection alone, gone with its last consumer; arguments: an object, borrowed. False:
 * also "queue_mismatch" when another connection has it. */
MUST_CHECK bool broker_declare_own_queue(struct broker *b, const char *name,
                                         const json_t *arguments, struct err *e);
MUST_CHECK bool broker_bind(struct broker *b, const char *queue, const char *exchange,
                            const char *routing_key, struct err *e);
/* Deliveries count as acknowledged when they are sent: not to be settled. */
MUST_CHECK bool broker_consume_unacknowledged(struct broker *b, const char *queue,
                                              const char *consumer_tag, struct err *e);

/*
 * Publishes transient, not mandatory: content type and encoding, headers and priority of v, and its
 * body. A broker that reads nothing blocks it, until the kernel gives the connection up
 * (TCP_USER_TIMEOUT: two heartbeats). False: ERR_RETRY "broker_lost" | ERR_REJECT "too_large".
 */
MUST_CHECK bool broker_send(struct broker *b, const char *exchange, const char *routing_key,
                            const struct envelope *v, struct err *e);

#endif
