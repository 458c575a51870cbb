/* Events: whatever the broker sends, of any kind and at any time, in the order of its arrival. */
#ifndef METERBEAT_AMQP_FRAMES_H
#define METERBEAT_AMQP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/amqp/message.h"
#include "common/base/attr.h"
#include "common/base/err.h"

struct broker; /* a connection; not amqp_..., which is librabbitmq's prefix */

/* RabbitMQ stores no longer body (its max_message_size cannot be higher). */
#define BROKER_BODY_MAX (512 * 1024 * 1024)

enum broker_event_kind {
    BROKER_EVENT_NONE,     /* nothing within the given time */
    BROKER_EVENT_DELIVERY, /* message, tag, redelivered, exchange, routing_key */
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
    struct message message; /* owned by the event; free with broker_event_free */
};

/* The next event. Also sends and checks heartbeats, so call it at least every second. False:
 * ERR_RETRY "broker_lost": the connection is dead, close it. */
MUST_CHECK bool broker_next(struct broker *b, int timeout_ms, struct broker_event *ret_event,
                            struct err *e);
void broker_event_free(struct broker_event *event);

#endif
