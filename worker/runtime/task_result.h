/* What the sender of a message is told of its task: results, follow-up messages, events. */
#ifndef METERBEAT_WORKER_RUNTIME_TASK_RESULT_H
#define METERBEAT_WORKER_RUNTIME_TASK_RESULT_H

#include "common/celery/result.h"
#include "worker/runtime/attempt.h"

/* Who waits for the result of m, which came as v; reply_to NULL: nobody. Borrows both. Any thread.
 */
struct result_address task_result_address(const struct task_message *m, const struct message *v);
/* Where a result may go: what the sender says, unless it is a queue behind a work queue; NULL:
 * nowhere. */
const char *task_result_queue(const char *reply_to);

/*
 * Executor thread. Those that return bool publish, wait for the confirms, and are called before the
 * delivery is acknowledged; false: a stop or a void delivery came first, and it is left alone. Safe
 * to repeat: what is sent a second time has the same ids.
 */
void task_result_received(struct attempt *a);
MUST_CHECK bool task_result_started(struct attempt *a);
/* a->result is the task's. Callbacks and the next task of a chain first, then SUCCESS. Alone, it goes
 * with the delivery, which is acknowledged when the broker has it. */
MUST_CHECK bool task_result_succeeded(struct attempt *a);
MUST_CHECK bool task_result_retried(struct attempt *a, const struct err *why);
/* Errbacks, FAILURE for it and for what would have followed it in its chain. Of a message that
 * could not be read as much as its headers say. */
MUST_CHECK bool task_result_failed(struct attempt *a, const struct err *why);
/* By a->revocation. */
MUST_CHECK bool task_result_revoked(struct attempt *a);
/* "expired", "revoked", "terminated": what Celery's TaskRevokedError says; and back again. */
const char *revocation_name(enum revocation how);
enum revocation revocation_of_name(const char *name);

#endif
