/* What Celery's monitors are told of tasks and of this worker: noted here, sent by the control
 * thread. */
#include "control/events.h"

#include <stddef.h>

bool events_on(const struct events *v)
{
    return v != NULL;
}

void events_task_received(struct events *v, const struct message *m)
{
    (void)v;
    (void)m;
}

void events_task_started(struct events *v, const char *task_id)
{
    (void)v;
    (void)task_id;
}

void events_task_succeeded(struct events *v, const char *task_id, const char *result,
                           double runtime_s)
{
    (void)v;
    (void)task_id;
    (void)result;
    (void)runtime_s;
}

void events_task_failed(struct events *v, const char *task_id, const char *exception)
{
    (void)v;
    (void)task_id;
    (void)exception;
}

void events_task_retried(struct events *v, const char *task_id, const char *exception)
{
    (void)v;
    (void)task_id;
    (void)exception;
}

void events_task_rejected(struct events *v, const char *task_id, bool requeue)
{
    (void)v;
    (void)task_id;
    (void)requeue;
}

void events_task_revoked(struct events *v, const char *task_id, bool terminated, const char *signal,
                         bool expired)
{
    (void)v;
    (void)task_id;
    (void)terminated;
    (void)signal;
    (void)expired;
}
