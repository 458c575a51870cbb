/* The steps of the worker's tasks, run by a command in its own process. */
#ifndef METERBEAT_CTL_LOCAL_TASK_H
#define METERBEAT_CTL_LOCAL_TASK_H

#include <signal.h>

#include "common/base/uuid.h"
#include "ctl/progress.h"
#include "worker/task/task.h"
#include "ctl/session.h"

/* A task that keeps no run. Do not move it once made: it points into itself. */
struct local_task {
    struct session *session;
    struct progress *progress;
    const volatile sig_atomic_t *stop; /* the signal that asked for an end */
    char id[UUID_TEXT];                /* of its message: owns what is promised */
    struct task_message message;
    struct task_host host;
    struct task_context task;
};

/* The database is connected and of this version afterwards; borrows both. False: as
 * session_database. */
MUST_CHECK bool local_task_begin(struct local_task *h, struct session *session,
                                 struct progress *progress, struct err *e);
/* Puts the messages that the task promised on the queue, each confirmed before it is forgotten;
 * what cannot be sent stays promised, and the producer sends it later. False: as session_broker,
 * broker_publish_wait, outbox_take. */
MUST_CHECK bool local_task_publish(struct local_task *h, struct err *e);

#endif
