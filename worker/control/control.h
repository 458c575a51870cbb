/* The control thread: what Celery's tools ask this worker and hear of it, on a connection of its
 * own. */
#ifndef METERBEAT_WORKER_CONTROL_H
#define METERBEAT_WORKER_CONTROL_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "worker/runtime/events.h"
#include "worker/runtime/state.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

struct control;

/* Borrows everything. name: the node's. Starts nothing yet. False: ERR_FATAL "no_memory". */
MUST_CHECK bool control_new(const struct settings *s, const char *name, struct handover *h,
                            struct subscriptions *queues, struct control **ret_control,
                            struct err *e);
/* For the other threads; they live as long as the control. */
struct state *control_state(struct control *c);
struct events *control_events(struct control *c);
/*
 * Starts the thread: it connects for ever with growing pauses, answers, sends events, and says
 * every two seconds that the worker is there. Another one reads and saves what is revoked, when
 * there is a database. False: ERR_FATAL "no_thread".
 */
MUST_CHECK bool control_start(struct control *c, struct err *e);
/* A remote `shutdown` was what sent SIGTERM. */
bool control_asked_to_end(const struct control *c);
/*
 * After all other threads: sends the last events and "worker-offline", ends both threads and frees.
 * False: one still hangs on the broker or the database after timeout_ms each; nothing is freed, and
 * the process has to be ended around it.
 */
MUST_CHECK bool control_end(struct control *c, int64_t timeout_ms);

#endif
