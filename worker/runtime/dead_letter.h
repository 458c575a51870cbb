/* The dead-letter queue, with the reason: where what cannot be done for good goes. */
#ifndef METERBEAT_WORKER_RUNTIME_DEAD_LETTER_H
#define METERBEAT_WORKER_RUNTIME_DEAD_LETTER_H

#include "worker/runtime/attempt.h"
#include "worker/runtime/publish_request.h"

/* v to <queue>.dead, from where it can be replayed to `queue`; without its own headers when they
 * leave no room for the reason. PUBLISH_STOPPED: also without memory. */
MUST_CHECK enum publish_status dead_letter_send(struct attempt *a, const struct message *v,
                                                const struct err *why, int64_t attempts,
                                                const char *queue, struct err *e);

#endif
