/* One hand-over of a message by RabbitMQ to this worker, on its way through the threads. */
#ifndef METERBEAT_WORKER_RUNTIME_DELIVERY_H
#define METERBEAT_WORKER_RUNTIME_DELIVERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/amqp/message.h"

struct pending_result;

/* What the I/O thread is to tell the broker. */
enum settlement {
    SETTLE_ACK,
    SETTLE_REQUEUE, /* somebody else may have it */
    SETTLE_LEAVE,   /* say nothing: it goes back when the connection closes */
};

/* What remote control is told of it. */
enum delivery_stage {
    DELIVERY_UNKNOWN,   /* not listed */
    DELIVERY_RESERVED,  /* on its way to the executor */
    DELIVERY_SCHEDULED, /* held until its time */
    DELIVERY_ACTIVE,    /* its task runs */
};

/*
 * Made by the I/O thread; in between it belongs to whoever holds it; given up by the I/O thread.
 * Remote control may hold references, and reads what never changes: from `redelivered` down to the
 * message.
 */
struct delivery {
    struct delivery *next; /* in whichever list it is */
    uint64_t epoch;        /* of the channel it came on: its tag means nothing on a later one */
    uint64_t tag;
    int64_t due_ms; /* held by the executor until then (monotonic); 0: not held */
    bool eta_over;  /* it was held for its eta: the wall clock has no more say in it */
    enum settlement settlement;
    struct pending_result *result; /* to be confirmed before it is acknowledged; NULL: none */
    bool is_brief;                 /* its headers name a brief task */
    bool announced;                /* monitors have been told that it came */
    atomic_int references;
    struct { /* runtime/state.c's, under its lock */
        struct delivery *next, *prev;
        enum delivery_stage stage;
        int64_t since_ms; /* scheduled: until; active: since (wall clock) */
    } listed;
    bool redelivered;
    char defect[32]; /* why it cannot be decoded; "" when it may be tried */
    char queue[256]; /* that it was taken from */
    char exchange[256], routing_key[256];
    struct message message;
};

/* With one reference; NULL: no memory. */
struct delivery *delivery_new(void);
void delivery_refer(struct delivery *d);
/* The last one frees it. */
void delivery_release(struct delivery *d);

#endif
