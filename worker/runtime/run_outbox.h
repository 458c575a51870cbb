/* The outbox of a run that is done: its messages sent before the delivery is acknowledged. */
#ifndef METERBEAT_WORKER_RUNTIME_RUN_OUTBOX_H
#define METERBEAT_WORKER_RUNTIME_RUN_OUTBOX_H

#include "worker/runtime/attempt.h"

/*
 * Publishes what the attempt's task id has in the outbox, and deletes what is confirmed. What a
 * queue refuses or does not answer stays, for the producer to offer again and again; what follows
 * it is not tried. False: STOP_NOW or a void delivery came first.
 */
MUST_CHECK bool run_outbox_send(struct attempt *a);

#endif
