/* What Celery's monitors are told of tasks and of this worker: noted here, sent by the control
 * thread. */
#ifndef METERBEAT_WORKER_RUNTIME_EVENTS_H
#define METERBEAT_WORKER_RUNTIME_EVENTS_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/config/settings.h"
#include "worker/runtime/state.h"
#include "common/celery/task_message.h"

struct events;

/* wake_fd: an eventfd, written to when there is something to send and events_sleep was called;
 * node: the worker's name. Borrows all. NULL: no memory. */
struct events *events_new(const struct settings *s, const char *node, struct state *st,
                          int wake_fd);
void events_free(struct events *v);

/* --- any thread ---------------------------------------------------------------------------- */
/*
 * Each notes one event of a task and returns at once. Nothing happens while task events are off
 * (enable_events, disable_events; worker.task_events says how it begins), and what does not fit
 * into the list (worker.max_events) is dropped and counted: an event is never a reason for a task
 * to wait or to fail. Fields as Celery's (docs/remote-control.md). v NULL: does nothing.
 */
void events_task_received(struct events *v, const struct task_message *m);
/* The same from the headers alone, where the message arrives. False: they do not say enough; it is
 * for events_task_received once the message has been read. */
bool events_task_arrived(struct events *v, const struct message *message);
void events_task_started(struct events *v, const char *task_id);
/* result: Python's repr of it, cut. */
void events_task_succeeded(struct events *v, const char *task_id, const char *result,
                           double runtime_s);
/* exception: Python's repr of it, such as ValueError('boom'). */
void events_task_failed(struct events *v, const char *task_id, const char *exception);
void events_task_retried(struct events *v, const char *task_id, const char *exception);
void events_task_rejected(struct events *v, const char *task_id, bool requeue);
/* signal: 15 when terminated; else 0. */
void events_task_revoked(struct events *v, const char *task_id, bool terminated, int signal,
                         bool expired);
/* Task events are wanted: what costs something to put together is not needed otherwise. */
bool events_on(const struct events *v);
/* On or off from now on; returns what it was. */
bool events_turn(struct events *v, bool on);

/* --- control thread ------------------------------------------------------------------------ */
/* One event of the worker itself, "worker-heartbeat" and the like, with all its fields; NULL: no
 * memory. */
json_t *events_worker(struct events *v, const char *type);
/* All that wait, in order, as a list of the caller's; NULL: none. */
json_t *events_take(struct events *v);
/* Before waiting on wake_fd: false, something is there already. */
MUST_CHECK bool events_sleep(struct events *v);

#endif
