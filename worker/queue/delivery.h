/* One hand-over of a message by RabbitMQ to this worker, on its way through the threads. */
#ifndef METERBEAT_WORKER_DELIVERY_H
#define METERBEAT_WORKER_DELIVERY_H

#include <stdint.h>

#include "queue/envelope.h"

/* What the I/O thread is to tell the broker. */
enum settlement {
    SETTLE_ACK,
    SETTLE_REQUEUE, /* somebody else may have it */
    SETTLE_LEAVE,   /* say nothing: it goes back when the connection closes */
};

/* Made and freed by the I/O thread; in between it belongs to whoever holds it. */
struct delivery {
    struct delivery *next; /* in whichever list it is */
    uint64_t epoch;        /* of the channel it came on: its tag means nothing on a later one */
    uint64_t tag;
    int64_t due_ms; /* held by the executor until then (wall clock); 0: not held */
    bool redelivered;
    enum settlement settlement;
    char defect[32]; /* why it cannot be decoded; "" when it may be tried */
    char queue[256]; /* that it was taken from */
    char exchange[256], routing_key[256];
    struct envelope envelope;
};

#endif
