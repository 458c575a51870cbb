/* One RabbitMQ connection with its one channel, used by one thread; folds librabbitmq's errors into
 * err. */
#ifndef METERBEAT_QUEUE_AMQP_H
#define METERBEAT_QUEUE_AMQP_H

#include "base/attr.h"
#include "base/err.h"
#include "config/settings.h"
#include "queue/envelope.h"

struct amqp;

enum amqp_event_kind {
    AMQP_EVENT_NONE,      /* nothing within the time given */
    AMQP_EVENT_DELIVERY,  /* envelope, tag, redelivered, routing_key, consumer_tag */
    AMQP_EVENT_CONFIRMED, /* publish number `tag` is on the broker (each number once, `multiple`
                             unrolled) */
    AMQP_EVENT_REFUSED, /* publish number `tag` is not: nack, or returned as unroutable (text says)
                         */
    AMQP_EVENT_CANCELLED, /* the broker cancelled the consumer (queue gone): declare and consume
                             again */
    AMQP_EVENT_BLOCKED,   /* resource alarm: do not publish */
    AMQP_EVENT_UNBLOCKED,
};

struct amqp_event {
    enum amqp_event_kind kind;
    uint64_t tag;
    bool redelivered;
    bool truncated; /* the body was longer than the maximum; envelope holds its beginning */
    uint64_t body_size;
    char routing_key[256];
    char exchange[256];
    char consumer_tag[256];
    char text[256];
    struct envelope envelope; /* owned by the event: amqp_event_free */
};

/*
 * Connects, logs in with connection_name ("meterbeat-worker@host/pid"), opens the channel, selects
 * publisher confirms. Announces consumer_cancel_notify, connection.blocked, basic.nack,
 * publisher_confirms. False: ERR_RETRY "broker_unreachable" | ERR_FATAL "broker_refused"
 * (credentials, vhost).
 */
MUST_CHECK bool amqp_open(const struct settings *s, const char *connection_name,
                          struct amqp **ret_amqp, struct err *e);
/* Orderly close, bounded in time; NULL accepted; frees. */
void amqp_close(struct amqp *a);
/* To wait on together with others; drain amqp_next() until NONE before waiting again. */
int amqp_fd(const struct amqp *a);
/* The next thing the broker says; also sends and watches heartbeats, so call it at least every
 * second. False: ERR_RETRY "broker_lost": the connection is dead, close it. */
MUST_CHECK bool amqp_next(struct amqp *a, int timeout_ms, struct amqp_event *ret_event,
                          struct err *e);
void amqp_event_free(struct amqp_event *event);

/* Publishes to the default exchange, mandatory, persistent; *ret_number is what CONFIRMED/REFUSED
 * will name. */
MUST_CHECK bool amqp_publish(struct amqp *a, const char *queue, const struct envelope *v,
                             uint64_t *ret_number, struct err *e);
/* Publishes and waits for the confirm at most broker.confirm_timeout_s; for programs that do
 * nothing else. */
MUST_CHECK bool amqp_publish_wait(struct amqp *a, const char *queue, const struct envelope *v,
                                  struct err *e);
MUST_CHECK bool amqp_consume(struct amqp *a, const char *queue, const char *consumer_tag,
                             int prefetch, struct err *e);
MUST_CHECK bool amqp_cancel(struct amqp *a, const char *consumer_tag, struct err *e);
MUST_CHECK bool amqp_ack(struct amqp *a, uint64_t tag, struct err *e);
MUST_CHECK bool amqp_nack_requeue(struct amqp *a, uint64_t tag, struct err *e);
/* basic.get without consuming; *ret_event.kind NONE when the queue is empty. */
MUST_CHECK bool amqp_get(struct amqp *a, const char *queue, struct amqp_event *ret_event,
                         struct err *e);
/* Ready messages and consumers of a queue; false ERR_REJECT "no_queue" when there is none (the
 * channel is reopened). */
MUST_CHECK bool amqp_queue_depth(struct amqp *a, const char *queue, uint32_t *ret_ready,
                                 uint32_t *ret_consumers, struct err *e);
/* Work queue, retry ladder, dead-letter queue: passive first, made only when missing. */
MUST_CHECK bool amqp_declare_topology(struct amqp *a, const struct settings *s, struct err *e);

#endif
