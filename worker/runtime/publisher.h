/* The connection that publishes for both threads, apart from the consuming one: an alarm stops only
 * it. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISHER_H
#define METERBEAT_WORKER_RUNTIME_PUBLISHER_H

#include "common/config/settings.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

struct outlet; /* I/O thread only; connects when there is something to publish */

/* queues: whose ladders are made anew when one of their queues has gone. NULL only without memory.
 * Borrows everything. */
struct outlet *outlet_new(const struct settings *s, const char *name, struct handover *h,
                          const struct subscriptions *queues);
void outlet_free(struct outlet *o);
/* A list of batches; each is answered (handover_answer) by its deadline. */
void outlet_accept(struct outlet *o, struct publish_batch *batches);
/* The result of a brief task to the queue `to`, for the delivery `tag`; takes over both, also when
 * it fails (without memory). */
MUST_CHECK bool outlet_reply(struct outlet *o, struct envelope *result, char *to, uint64_t tag);
/* The next delivery whose result is with the broker. */
bool outlet_replied(struct outlet *o, uint64_t *ret_tag);
/* Results are on their way. */
bool outlet_replying(const struct outlet *o);
/* Those deliveries are void: they come again. */
void outlet_forget_replies(struct outlet *o);
/* Classic retry queues of an older version are to be replaced as soon as they are empty: declares
 * again, every few seconds, until none is left. */
void outlet_finish_retry_queues(struct outlet *o);
/* Connects, publishes, reads confirms, answers; blocks only to connect. */
void outlet_work(struct outlet *o);
/* To poll; -1: nothing to wait for. */
int outlet_fd(const struct outlet *o);
/* Orderly; what waits fails. */
void outlet_close(struct outlet *o);

#endif
