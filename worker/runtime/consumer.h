/* The I/O thread: alone touches AMQP, and answers heartbeats whatever the executor does. */
#ifndef METERBEAT_WORKER_RUNTIME_CONSUMER_H
#define METERBEAT_WORKER_RUNTIME_CONSUMER_H

#include "common/config/settings.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

struct consumer;
struct state;
struct events;

/*
 * Starts the thread: connects for ever with growing, jittered pauses, consumes, hands deliveries
 * over, settles and publishes what the executor asks for. name: connection name and consumer tag
 * ("meterbeat-worker@host/pid"); consumes from what `queues` lists at the time. st and v: what
 * remote control says and is told. Borrows everything.
 * False: ERR_FATAL "no_thread".
 */
MUST_CHECK bool consumer_start(const struct settings *s, const char *name,
                               struct subscriptions *queues, struct handover *h, struct state *st,
                               struct events *v, struct consumer **ret_consumer, struct err *e);
/* Waits for the thread, which ends after the executor has; at most timeout_ms. Frees. False: still
 * running. */
MUST_CHECK bool consumer_join(struct consumer *c, int64_t timeout_ms);

#endif
