/* The executor thread: one delivery at a time, from its bytes to its settlement. */
#ifndef METERBEAT_WORKER_RUNTIME_EXECUTOR_H
#define METERBEAT_WORKER_RUNTIME_EXECUTOR_H

#include "common/config/settings.h"
#include "worker/runtime/handover.h"

struct executor;
struct state;
struct events;

/* Starts the thread; it ends once the hand-over stops. name: who runs it, in runs, logs and dead
 * letters; st and v: what remote control says and is told. Borrows everything. False: ERR_FATAL
 * "no_thread". */
MUST_CHECK bool executor_start(const struct settings *s, const char *name, struct handover *h,
                               struct state *st, struct events *v, struct executor **ret_executor,
                               struct err *e);
/* Waits for the thread at most timeout_ms; frees. False: still running. */
MUST_CHECK bool executor_join(struct executor *x, int64_t timeout_ms);
/* A task found that the process cannot go on (ERR_FATAL); it has also sent itself SIGTERM. Any
 * thread. */
bool executor_failed(const struct executor *x);

#endif
