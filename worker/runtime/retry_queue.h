/* The retry queues: where a message waits out its delay, and what happens when one of them does not
 * take it. */
#ifndef METERBEAT_WORKER_RUNTIME_RETRY_QUEUE_H
#define METERBEAT_WORKER_RUNTIME_RETRY_QUEUE_H

#include "worker/runtime/attempt.h"
#include "worker/runtime/publish_request.h"
#include "worker/runtime/retry.h"

/* worker.retry_delays_s. */
struct backoff_schedule retry_queue_schedule(const struct settings *s);
/*
 * v to the retry queue of delay_s; when that does not take it, to the others, the nearest first.
 * Those that did not take one lately are passed over, unless all did not. PUBLISH_REFUSED: there is
 * no such queue and will be none, all are full, or it cannot be sent. PUBLISH_SILENT: none answers.
 */
MUST_CHECK enum publish_status retry_queue_send(struct attempt *a, int64_t delay_s,
                                                const struct message *v, struct err *e);

#endif
