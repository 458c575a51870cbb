/* The queues this worker is to consume from: the configured one, and what remote control adds. */
#ifndef METERBEAT_WORKER_RUNTIME_SUBSCRIPTIONS_H
#define METERBEAT_WORKER_RUNTIME_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "worker/runtime/handover.h"

#define SUBSCRIPTIONS_MAX 16
/* An AMQP name has 255 bytes, and ".retry.604800.quorum" comes behind it. */
#define SUBSCRIPTIONS_NAME_MAX 235

/* One queue, and how it is bound should it have to be made; "" exchange: the default one. */
struct subscription {
    char queue[256];
    char exchange[256];
    char exchange_type[32];
    char routing_key[256];
};

struct subscriptions; /* any thread */

/* Begins with `queue`; wakes the I/O thread of h at each change. NULL: no memory. */
struct subscriptions *subscriptions_new(struct handover *h, const char *queue);
void subscriptions_free(struct subscriptions *s);
/*
 * Consume from it too, from the next turn of the I/O thread on, which takes for granted that the
 * queue is there (broker_declare_work makes it). One that is consumed already stays; one that the
 * broker refused is tried again. False:
 * ERR_REJECT "too_many_queues", "bad_queue" (no name, or too long a one for its retry queues).
 */
MUST_CHECK bool subscriptions_add(struct subscriptions *s, const struct subscription *wanted,
                                  struct err *e);
/* No longer; what has been delivered and not begun goes back. False: it was not consumed. */
bool subscriptions_cancel(struct subscriptions *s, const char *queue);
/* Those wanted now, at most max; returns how many. */
size_t subscriptions_list(const struct subscriptions *s, struct subscription *out, size_t max);
/* Changes with each change of the list. */
unsigned subscriptions_version(const struct subscriptions *s);

#endif
