/* One RabbitMQ connection with one channel, used by one thread; maps librabbitmq's errors to
 * err. */
#ifndef METERBEAT_AMQP_CONNECTION_H
#define METERBEAT_AMQP_CONNECTION_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/amqp/frames.h"

/*
 * Connects, logs in as connection_name ("meterbeat-worker@host/pid"), opens the channel and selects
 * publisher confirms. Announces consumer_cancel_notify, connection.blocked, basic.nack and
 * publisher_confirms. Borrows s. False: ERR_RETRY "broker_unreachable", "broker_tls"; ERR_FATAL
 * "broker_refused" (credentials, vhost), "broker_url".
 */
MUST_CHECK bool broker_open(const struct settings *s, const char *connection_name,
                            struct broker **ret_broker, struct err *e);
/* The error is that the connection is lost ("broker_lost"), not that the broker refuses something. */
bool broker_is_lost(const struct err *why);
/* Closes in order, in bounded time, and frees. NULL is accepted. */
void broker_close(struct broker *b);
/* Closes the socket at once, for a channel that is blocked and would not answer a close; frees.
 * NULL is accepted. */
void broker_abandon(struct broker *b);
/* A descriptor to poll. Call broker_next() until NONE, or until nothing is buffered, before waiting
 * again. */
int broker_fd(const struct broker *b);
/* Whether broker_next may have data that the descriptor does not show. */
bool broker_buffered(const struct broker *b);

/* RabbitMQ's major version, for example 3; 0: unknown. */
int broker_server_major(const struct broker *b);
/* False: ERR_REJECT "no_queue" (the channel is reopened, and nothing is consumed). */
MUST_CHECK bool broker_consume(struct broker *b, const char *queue, const char *consumer_tag,
                               int prefetch, struct err *e);
/*
 * Whether the queue accepts a consumer now. Tries it on a connection of its own, which then ends,
 * and returns at most one message to the queue. False: ERR_RETRY "broker_lost" if it did not answer
 * within timeout_ms or cost the connection, as a queue without a leader does; or as broker_open and
 * broker_consume.
 */
MUST_CHECK bool broker_try_consume(const struct settings *s, const char *connection_name,
                                   const char *queue, int64_t timeout_ms, struct err *e);
/* Replaces the channel: its consumers end, its unacknowledged deliveries are requeued, and its
 * events are discarded. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_renew_channel(struct broker *b, struct err *e);
/* Deliveries already in transit still come from broker_next. */
MUST_CHECK bool broker_cancel(struct broker *b, const char *consumer_tag, struct err *e);
/* multiple: this tag and every unsettled one before it. */
MUST_CHECK bool broker_ack(struct broker *b, uint64_t tag, bool multiple, struct err *e);
MUST_CHECK bool broker_nack_requeue(struct broker *b, uint64_t tag, struct err *e);
/* basic.get; ret_event->kind is NONE when the queue is empty. */
MUST_CHECK bool broker_get(struct broker *b, const char *queue, struct broker_event *ret_event,
                           struct err *e);

#endif
