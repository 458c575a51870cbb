/* One RabbitMQ connection with one channel, used by one thread; maps librabbitmq's errors to
 * err. */
#ifndef METERBEAT_AMQP_CONNECTION_H
#define METERBEAT_AMQP_CONNECTION_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/amqp/message.h"

struct broker; /* not amqp_..., which is librabbitmq's prefix */

/* RabbitMQ stores no longer body (its max_message_size cannot be higher). */
#define BROKER_BODY_MAX (512 * 1024 * 1024)

enum broker_event_kind {
    BROKER_EVENT_NONE,     /* nothing within the given time */
    BROKER_EVENT_DELIVERY, /* envelope, tag, redelivered, exchange, routing_key */
    /* the broker has confirmed publish number `tag` (once per number, `multiple` is expanded) */
    BROKER_EVENT_CONFIRMED,
    /* publish number `tag` failed: nacked, or returned as unroutable (text) */
    BROKER_EVENT_REFUSED,
    /* the broker cancelled the consumer (its queue is gone): declare and consume again */
    BROKER_EVENT_CANCELLED,
    /* the broker closed the channel (text says why), and a new one is open. All delivery tags and
     * unconfirmed publish numbers are void: declare and consume again */
    BROKER_EVENT_REOPENED,
    BROKER_EVENT_BLOCKED, /* resource alarm: do not publish */
    BROKER_EVENT_UNBLOCKED,
};

struct broker_event {
    enum broker_event_kind kind;
    bool redelivered;
    /*
     * Why the message cannot be decoded ("too_large", "too_deep", "bad_headers"), or "". The
     * message then has what could be kept for the dead-letter queue: a body longer than
     * worker.max_message_bytes completely, headers nested too deep not at all.
     */
    char defect[32];
    uint64_t tag;
    char exchange[256];
    char routing_key[256];
    /* REFUSED, REOPENED, BLOCKED: the reason; DELIVERY, CANCELLED: the consumer tag */
    char text[256];
    struct envelope envelope; /* owned by the event; free with broker_event_free */
};

/*
 * Connects, logs in as connection_name ("meterbeat-worker@host/pid"), opens the channel and selects
 * publisher confirms. Announces consumer_cancel_notify, connection.blocked, basic.nack and
 * publisher_confirms. Borrows s. False: ERR_RETRY "broker_unreachable", "broker_tls"; ERR_FATAL
 * "broker_refused" (credentials, vhost), "broker_url".
 */
MUST_CHECK bool broker_open(const struct settings *s, const char *connection_name,
                            struct broker **ret_broker, struct err *e);
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
/* The next event. Also sends and checks heartbeats, so call it at least every second. False:
 * ERR_RETRY "broker_lost": the connection is dead, close it. */
MUST_CHECK bool broker_next(struct broker *b, int timeout_ms, struct broker_event *ret_event,
                            struct err *e);
void broker_event_free(struct broker_event *event);

/* Whether a resource alarm is on, by what has been read so far (its event may still wait in
 * broker_next): publishes are not confirmed before it is over. */
bool broker_blocked(const struct broker *b);
/* RabbitMQ's major version, for example 3; 0: unknown. */
int broker_server_major(const struct broker *b);
/*
 * Publishes; *ret_number is the number that CONFIRMED or REFUSED will have. A missing exchange
 * costs the channel (REOPENED). False: ERR_RETRY "broker_lost"; ERR_REJECT "too_large" (headers too
 * large for a frame, or a text too long).
 */
MUST_CHECK bool broker_publish(struct broker *b, const struct publish_route *route,
                               const struct envelope *v, uint64_t *ret_number, struct err *e);
/*
 * Publishes to a queue, mandatory and persistent, and waits for the confirm for at most
 * broker.confirm_timeout_s; for programs that do nothing else meanwhile. False also: ERR_RETRY
 * "publish_refused" (nack), "publish_timeout", "broker_blocked" (an alarm: the broker may take it
 * afterwards); ERR_REJECT "no_queue" (unroutable).
 */
MUST_CHECK bool broker_publish_wait(struct broker *b, const char *queue, const struct envelope *v,
                                    struct err *e);
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
/* Ready messages and consumers of a queue; false: ERR_REJECT "no_queue" (the channel is reopened:
 * unacknowledged deliveries are requeued). */
MUST_CHECK bool broker_queue_depth(struct broker *b, const char *queue, uint32_t *ret_ready,
                                   uint32_t *ret_consumers, struct err *e);
/* State of the replacement of classic retry queues, which earlier versions made, by quorum queues.
 * Initialise with {0}. */
struct retry_queues {
    /* object: name of a retry queue -> the queue to publish to in its place; NULL: none */
    json_t *stand_ins;
    bool unfinished; /* a classic queue still has messages: declare again later */
};
void retry_queues_free(struct retry_queues *r);
/*
 * Declares the work queue, retry queues and dead-letter queue; makes only missing ones. A classic
 * retry queue is replaced once it is empty; *r (may be NULL) says what takes its place until then.
 * May cost the channel, so do not call it while deliveries or publishes are open.
 */
MUST_CHECK bool broker_declare_topology(struct broker *b, const struct settings *s,
                                        struct retry_queues *r, struct err *e);
/* Declares another work queue, with retry queues of its own. */
MUST_CHECK bool broker_declare_work(struct broker *b, const struct settings *s, const char *queue,
                                    struct retry_queues *r, struct err *e);
/*
 * The number of ready messages in a work queue, its retry queues, and those that take their place
 * by *r (broker_declare_topology); excludes unacknowledged ones. *ret_there: whether the work queue
 * exists. False: ERR_RETRY "broker_lost".
 */
MUST_CHECK bool broker_work_depth(struct broker *b, const struct settings *s, const char *queue,
                                  const struct retry_queues *r, bool *ret_there,
                                  int64_t *ret_messages, struct err *e);

/* Declares a quorum queue without other arguments. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_is_bare_quorum_queue(struct broker *b, const char *queue, bool *ret_is,
                                            struct err *e);

enum retry_queue_kind {
    RETRY_QUEUE_MISSING,
    RETRY_QUEUE_SAFE,    /* as this version makes it: loses nothing when the broker is killed */
    RETRY_QUEUE_CLASSIC, /* as an earlier version made it */
    RETRY_QUEUE_FOREIGN, /* made by somebody else, with other arguments */
};
/* Classifies a retry queue, and makes nothing. One that we may not declare counts as SAFE. False:
 * ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_compare_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                                           enum retry_queue_kind *ret_kind, struct err *e);

/* A retry delay for messages that are due soon, beside those of worker.retry_delays_s: a message
 * due later than this is not held. */
#define BROKER_SHORT_RUNG_S 1
/* Writes the name of a retry queue, "<queue>.retry.<delay_s>", which dead-letters to `queue`, or of
 * the dead-letter queue, "<broker.queue>.dead"; returns name. */
#define BROKER_QUEUE_NAME 300
const char *broker_retry_queue(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);
const char *broker_dead_queue(const struct settings *s, char name[BROKER_QUEUE_NAME]);
/*
 * Whether a name is that of an auxiliary queue of any installation: a dead-letter queue, a retry
 * queue, or one of native delayed delivery. Outsiders must not have these consumed from or replied
 * to.
 */
bool broker_is_inner_queue(const char *queue);
/* "<queue>.retry.<delay_s>.quorum", used while a classic queue has the usual name. */
const char *broker_retry_stand_in(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);

#endif
