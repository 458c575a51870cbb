/* A parse enqueued in the caller's transaction: its run, and its message in the outbox. */
#ifndef METERBEAT_WORKER_TASK_ENQUEUE_H
#define METERBEAT_WORKER_TASK_ENQUEUE_H

#include "worker/task/task.h"

/* A parse that another task enqueues; strings borrowed. */
struct child_parse {
    int64_t record_id;
    const char *building_id; /* NULL: not known */
    int64_t from_s, to_s;    /* a window by name; 0, 0: the record's next one */
    int64_t after_s;         /* of a next one: the end of the window that it follows; 0: of none */
};

/* Executor thread, inside a transaction. The task id is derived from the parent's id and these
 * values, so that a repeated parent enqueues the same child once. *ret_new false: that parse exists
 * already, or (for a next window) the record has another open one; no message is enqueued. Errors:
 * those of run_expect and outbox_add; ERR_RETRY "no_memory". */
MUST_CHECK bool enqueue_parse(struct task_context *t, const struct child_parse *child,
                              bool *ret_new, struct err *e);

#endif
