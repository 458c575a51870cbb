/* The connection that publishes for both threads, apart from the consuming one: an alarm stops only
 * it. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISHER_H
#define METERBEAT_WORKER_RUNTIME_PUBLISHER_H

#include "common/config/settings.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

struct publisher; /* I/O thread only; connects when there is something to publish */

/* queues: whose retry queues are made anew when one of their queues has gone. NULL only without memory.
 * Borrows everything. */
struct publisher *publisher_new(const struct settings *s, const char *name, struct handover *h,
                                const struct subscriptions *queues);
void publisher_free(struct publisher *o);
/* A list of requests. Those of the executor are answered (handover_answer) by their deadline; the
 * deliveries of results come back by publisher_take_answered. */
void publisher_accept(struct publisher *o, struct publish_request *requests);
/* Results are on their way. */
bool publisher_has_results(const struct publisher *o);
/* The deliveries, as a list, whose results the broker has, or nobody takes: theirs no more. */
struct delivery *publisher_take_answered(struct publisher *o);
/* All deliveries whose results are on their way, or answered: they are void, and come again. */
struct delivery *publisher_take_results(struct publisher *o);
/* Classic retry queues of an older version are to be replaced as soon as they are empty: declares
 * again, every few seconds, until none is left. */
void publisher_finish_retry_queues(struct publisher *o);
/* Connects, publishes, reads confirms, answers; blocks only to connect. */
void publisher_work(struct publisher *o);
/* To poll; -1: nothing to wait for. */
int publisher_fd(const struct publisher *o);
/* Orderly; what waits fails. */
void publisher_close(struct publisher *o);

#endif
