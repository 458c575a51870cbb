/* One RabbitMQ connection with its one channel, used by one thread; folds librabbitmq's errors into
 * err. */
#ifndef METERBEAT_AMQP_CONNECTION_H
#define METERBEAT_AMQP_CONNECTION_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/amqp/message.h"

struct broker; /* "amqp_" belongs to librabbitmq, hence the name */

/* RabbitMQ itself stores no longer body (its max_message_size cannot be set higher). */
#define BROKER_BODY_MAX (512 * 1024 * 1024)

enum broker_event_kind {
    BROKER_EVENT_NONE,      /* nothing within the time given */
    BROKER_EVENT_DELIVERY,  /* envelope, tag, redelivered, exchange, routing_key */
    BROKER_EVENT_CONFIRMED, /* publish number `tag` is on the broker (each once, `multiple`
                               unrolled) */
    BROKER_EVENT_REFUSED, /* publish number `tag` is not: nack, or returned as unroutable (text) */
    BROKER_EVENT_CANCELLED, /* the broker cancelled the consumer (queue gone): declare, consume
                               again */
    BROKER_EVENT_REOPENED,  /* the broker closed the channel (text says why); a fresh one is open:
                               every  tag and every unconfirmed publish number is void; declare,
                               consume again */
    BROKER_EVENT_BLOCKED,   /* resource alarm: do not publish */
    BROKER_EVENT_UNBLOCKED,
};

struct broker_event {
    enum broker_event_kind kind;
    bool redelivered;
    /* Why the message cannot be decoded ("too_large", "too_deep", "bad_headers"), "" when it can.
     * The envelope still has whatever could be kept, for the dead-letter queue: a body longer than
     * worker.max_message_bytes whole, headers nested too deep not at all. */
    char defect[32];
    uint64_t tag;
    char exchange[256];
    char routing_key[256];
    char text[256]; /* REFUSED, REOPENED, BLOCKED: why; DELIVERY, CANCELLED: the consumer tag */
    struct envelope envelope; /* owned by the event: broker_event_free */
};

/*
 * Connects, logs in with connection_name ("meterbeat-worker@host/pid"), opens the channel, selects
 * publisher confirms. Announces consumer_cancel_notify, connection.blocked, basic.nack,
 * publisher_confirms. Borrows s. False: ERR_RETRY "broker_unreachable", "broker_tls" | ERR_FATAL
 * "broker_refused" (credentials, vhost), "broker_url".
 */
MUST_CHECK bool broker_open(const struct settings *s, const char *connection_name,
                            struct broker **ret_broker, struct err *e);
/* Orderly close, bounded in time; NULL accepted; frees. */
void broker_close(struct broker *b);
/* At once and without a word: for a channel that is held up and would not answer the close. NULL
 * accepted; frees. */
void broker_abandon(struct broker *b);
/* To wait on together with others; drain broker_next() until NONE, or until nothing is buffered,
 * before waiting again. */
int broker_fd(const struct broker *b);
/* broker_next may have something that the descriptor does not show. */
bool broker_buffered(const struct broker *b);
/* The next thing the broker says; also sends and watches heartbeats, so call it at least every
 * second. False: ERR_RETRY "broker_lost": the connection is dead, close it. */
MUST_CHECK bool broker_next(struct broker *b, int timeout_ms, struct broker_event *ret_event,
                            struct err *e);
void broker_event_free(struct broker_event *event);

/* A resource alarm, as of what has been read so far (its event may still wait in broker_next): what
 * is sent now is not confirmed before the alarm is over. */
bool broker_blocked(const struct broker *b);
/* 3 for RabbitMQ 3.10.8; 0: it does not say. */
int broker_server_major(const struct broker *b);
/* Publishes; *ret_number is what CONFIRMED/REFUSED will name. An exchange that is not there costs
 * the channel (REOPENED). False: ERR_RETRY "broker_lost" | ERR_REJECT "too_large" (headers too big
 * for a frame, text too long). */
MUST_CHECK bool broker_publish(struct broker *b, const struct publish_route *route,
                               const struct envelope *v, uint64_t *ret_number, struct err *e);
/* Publishes to a queue, mandatory and persistent, and waits for the confirm at most
 * broker.confirm_timeout_s; for programs that do nothing else. False also: ERR_RETRY
 * "publish_refused" (nack), "publish_timeout", "broker_blocked" (an alarm: it may be taken when
 * that is over) | ERR_REJECT "no_queue" (unroutable). */
MUST_CHECK bool broker_publish_wait(struct broker *b, const char *queue, const struct envelope *v,
                                    struct err *e);
/* False: ERR_REJECT "no_queue" (the channel is reopened, this consume did not happen). */
MUST_CHECK bool broker_consume(struct broker *b, const char *queue, const char *consumer_tag,
                               int prefetch, struct err *e);
/* Whether the queue takes a consumer now: tried by a connection of its own, which ends with it, and
 * costs at most one message a return. False: ERR_RETRY "broker_lost", it did not answer within
 * timeout_ms or cost the connection, as one without a leader does | as broker_open and
 * broker_consume. */
MUST_CHECK bool broker_try_consume(const struct settings *s, const char *connection_name,
                                   const char *queue, int64_t timeout_ms, struct err *e);
/* A new channel for the old one: its consumers end, its unacknowledged deliveries go back, and no
 * event of it comes any more. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_renew_channel(struct broker *b, struct err *e);
/* Deliveries that raced with it still come from broker_next. */
MUST_CHECK bool broker_cancel(struct broker *b, const char *consumer_tag, struct err *e);
/* multiple: this tag and every unsettled one before it. */
MUST_CHECK bool broker_ack(struct broker *b, uint64_t tag, bool multiple, struct err *e);
MUST_CHECK bool broker_nack_requeue(struct broker *b, uint64_t tag, struct err *e);
/* basic.get without consuming; ret_event->kind NONE when the queue is empty. */
MUST_CHECK bool broker_get(struct broker *b, const char *queue, struct broker_event *ret_event,
                           struct err *e);
/* Ready messages and consumers of a queue; false ERR_REJECT "no_queue" when there is none (the
 * channel is reopened: unacknowledged deliveries go back to their queue). */
MUST_CHECK bool broker_queue_depth(struct broker *b, const char *queue, uint32_t *ret_ready,
                                   uint32_t *ret_consumers, struct err *e);
/* What takes part in a move from classic retry queues (as meterbeat made them before) to quorum
 * ones. {0} to begin with. */
struct retry_queues {
    json_t *stand_ins; /* object: a retry queue's name -> the queue to publish to in its place;
                          NULL: none */
    bool unfinished;   /* a classic queue still holds messages: declare again later */
};
void retry_queues_free(struct retry_queues *r);
/*
 * Work queue, retry queues, dead-letter queue: made only when missing. A classic retry queue of an
 * older meterbeat is replaced once it is empty; *r (NULL: nobody wants to know) says what stands in
 * for it until then. May cost the channel, so not while anything is under way on it.
 */
MUST_CHECK bool broker_declare_topology(struct broker *b, const struct settings *s,
                                        struct retry_queues *r, struct err *e);
/* Another work queue, and retry queues of its own. */
MUST_CHECK bool broker_declare_work(struct broker *b, const struct settings *s, const char *queue,
                                    struct retry_queues *r, struct err *e);
/* Ready messages of a work queue, of its retry queues, and of what stands in for those by *r
 * (broker_declare_topology), together; those that somebody holds are not among them. *ret_there: of
 * the work queue itself. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_work_depth(struct broker *b, const struct settings *s, const char *queue,
                                  const struct retry_queues *r, bool *ret_there,
                                  int64_t *ret_messages, struct err *e);

/* A quorum queue whose only argument is its type. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_is_bare_quorum_queue(struct broker *b, const char *queue, bool *ret_is,
                                            struct err *e);

enum retry_queue_kind {
    RETRY_QUEUE_MISSING,
    RETRY_QUEUE_SAFE,    /* as we make it: loses nothing when the broker is killed */
    RETRY_QUEUE_CLASSIC, /* as an older meterbeat made it */
    RETRY_QUEUE_FOREIGN, /* somebody else made it, with arguments of his */
};
/* Makes nothing. One that we may not declare counts as SAFE. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_compare_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                                           enum retry_queue_kind *ret_kind, struct err *e);

/* A rung for what is due soon, beside those of worker.retry_delays_s: nothing is held for longer.
 */
#define BROKER_SHORT_RUNG_S 1
/* A rung's queue, "<queue>.retry.<delay_s>", which leads back to `queue`, and
 * "<broker.queue>.dead", into name; returns name. */
#define BROKER_QUEUE_NAME 300
const char *broker_retry_queue(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);
const char *broker_dead_queue(const struct settings *s, char name[BROKER_QUEUE_NAME]);
/* A queue that stands behind a work queue, of any installation: dead letters, a rung, a level of
 * native delayed delivery. No stranger may name one to be consumed from or to be answered to. */
bool broker_is_inner_queue(const char *queue);
/* "<queue>.retry.<delay_s>.quorum", which stands in while a classic queue has the usual name. */
const char *broker_retry_stand_in(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);

#endif
