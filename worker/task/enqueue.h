/* A parse promised in the caller's transaction: its run, and its message in the outbox. */
#ifndef METERBEAT_WORKER_TASK_ENQUEUE_H
#define METERBEAT_WORKER_TASK_ENQUEUE_H

#include "worker/task/task.h"

/* Which parse; strings borrowed. */
struct promise {
    const char *task_id; /* of the parse: made from its parent's and what it is about */
    int64_t record_id;
    const char *building_id;
    int64_t from_s, to_s; /* 0, 0: the record's next window */
};

/* Executor thread, inside a transaction. *ret_new false: that parse, or (for a next window) another
 * open one of the record, exists already, and no message is promised. Errors: those of run_expect
 * and outbox_add; ERR_RETRY "no_memory". */
MUST_CHECK bool promise_parse(struct task_context *t, const struct promise *promise, bool *ret_new,
                              struct err *e);

#endif
