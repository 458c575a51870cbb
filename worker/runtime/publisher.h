/* The connection that publishes for both threads, apart from the consuming one: an alarm stops only
 * it. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISHER_H
#define METERBEAT_WORKER_RUNTIME_PUBLISHER_H

#include "common/config/settings.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

struct publisher; /* I/O thread only; connects when there is something to publish */

/* queues: whose ladders are made anew when one of their queues has gone. NULL only without memory.
 * Borrows everything. */
struct publisher *publisher_new(const struct settings *s, const char *name, struct handover *h,
                                const struct subscriptions *queues);
void publisher_free(struct publisher *o);
/* A list of batches; each is answered (handover_answer) by its deadline. */
void publisher_accept(struct publisher *o, struct publish_request *batches);
/* The result of a brief task to the queue `to`, for the delivery `tag`; takes over both, also when
 * it fails (without memory). */
MUST_CHECK bool publisher_reply(struct publisher *o, struct envelope *result, char *to,
                                uint64_t tag);
/* The next delivery whose result is with the broker. */
bool publisher_replied(struct publisher *o, uint64_t *ret_tag);
/* Results are on their way. */
bool publisher_replying(const struct publisher *o);
/* Those deliveries are void: they come again. */
void publisher_forget_replies(struct publisher *o);
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
