/* A connection for messages that may be lost: exchanges, exclusive queues, unconfirmed
 * publishing. */
#ifndef METERBEAT_AMQP_EXCHANGE_H
#define METERBEAT_AMQP_EXCHANGE_H

#include "common/amqp/connection.h"

/*
 * As broker_open, but without publisher confirms: publish with broker_send only. A body over
 * keep_max bytes is read and discarded: its delivery has the defect "too_large" and an empty body.
 */
MUST_CHECK bool broker_open_plain(const struct settings *s, const char *connection_name,
                                  size_t keep_max, struct broker **ret_broker, struct err *e);

/* Makes it if missing. False: ERR_RETRY "queue_mismatch" (it exists with other arguments; the
 * channel is reopened), "broker_lost". */
MUST_CHECK bool broker_declare_exchange(struct broker *b, const char *name, const char *type,
                                        bool durable, struct err *e);
/* An exclusive queue, deleted with its last consumer; arguments: an object, borrowed. False: also
 * "queue_mismatch" if another connection has it. */
MUST_CHECK bool broker_declare_own_queue(struct broker *b, const char *name,
                                         const json_t *arguments, struct err *e);
MUST_CHECK bool broker_bind(struct broker *b, const char *queue, const char *exchange,
                            const char *routing_key, struct err *e);
/* Without acknowledgements: deliveries are not to be settled. */
MUST_CHECK bool broker_consume_unacknowledged(struct broker *b, const char *queue,
                                              const char *consumer_tag, struct err *e);

/*
 * Publishes v's content type and encoding, headers, priority and body; transient and not mandatory.
 * Blocks while the broker does not read, until the kernel gives up the connection
 * (TCP_USER_TIMEOUT: two heartbeats). False: ERR_RETRY "broker_lost"; ERR_REJECT "too_large".
 */
MUST_CHECK bool broker_send(struct broker *b, const char *exchange, const char *routing_key,
                            const struct message *v, struct err *e);

#endif
