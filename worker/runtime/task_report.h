/* What the sender of a message is told of its task: results, follow-up messages, events. */
#ifndef METERBEAT_WORKER_RUNTIME_TASK_REPORT_H
#define METERBEAT_WORKER_RUNTIME_TASK_REPORT_H

#include "worker/runtime/attempt.h"
#include "common/celery/result.h"

/* Who waits for the result of m, which came as v; reply_to NULL: nobody. Borrows both. Any thread.
 */
struct result_address report_address(const struct message *m, const struct envelope *v);
/* Where a result may go: what the sender says, unless it is a queue behind a work queue; NULL:
 * nowhere. */
const char *report_reply_queue(const char *reply_to);

/*
 * Executor thread. Those that return bool publish, wait for the confirms, and are called before the
 * delivery is acknowledged; false: a stop or a void delivery came first, and it is left alone. Safe
 * to repeat: what is sent a second time has the same ids.
 */
void report_received(struct attempt *a);
MUST_CHECK bool report_started(struct attempt *a);
/* a->result is the task's. Callbacks and the next task of a chain first, then SUCCESS. */
MUST_CHECK bool report_succeeded(struct attempt *a);
MUST_CHECK bool report_retry(struct attempt *a, const struct err *why);
/* Errbacks, FAILURE for it and for what would have followed it in its chain. Of a message that
 * could not be read as much as its headers say. */
MUST_CHECK bool report_failed(struct attempt *a, const struct err *why);
MUST_CHECK bool report_revoked(struct attempt *a, enum revocation how);
/* "expired", "revoked", "terminated": what Celery's TaskRevokedError says; and back again. */
const char *report_revocation_name(enum revocation how);
enum revocation report_revocation_of(const char *name);

#endif
