/* What Celery's monitors are told of tasks and of this worker: noted here, sent by the control
 * thread. */
#ifndef METERBEAT_WORKER_EVENTS_H
#define METERBEAT_WORKER_EVENTS_H

#include <stdbool.h>

#include "queue/message.h"

struct events;

/*
 * Each notes one event of a task and returns at once; any thread. Nothing happens while task events
 * are off (enable_events, disable_events; worker.task_events says how it begins), and what does not
 * fit into the bounded list is dropped and counted: an event is never a reason for a task to wait
 * or to fail. Fields as Celery's (celery.md section 4). v NULL: does nothing.
 */
void events_task_received(struct events *v, const struct message *m);
void events_task_started(struct events *v, const char *task_id);
/* result: Python's repr of it, cut. */
void events_task_succeeded(struct events *v, const char *task_id, const char *result,
                           double runtime_s);
/* exception: Python's repr of it, such as ValueError('boom'). */
void events_task_failed(struct events *v, const char *task_id, const char *exception);
void events_task_retried(struct events *v, const char *task_id, const char *exception);
void events_task_rejected(struct events *v, const char *task_id, bool requeue);
/* signal: "15" when terminated; else NULL. */
void events_task_revoked(struct events *v, const char *task_id, bool terminated, const char *signal,
                         bool expired);
/* Task events are wanted: what costs something to put together is not needed otherwise. */
bool events_on(const struct events *v);

#endif
