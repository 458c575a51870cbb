/* Keeps N worker processes running. */
#ifndef METERBEAT_WORKER_SUPERVISOR_H
#define METERBEAT_WORKER_SUPERVISOR_H

#include "common/config/settings.h"

/*
 * Forks s->worker.processes workers and starts those anew that end, after growing pauses, except
 * those that remote control has ended; hands SIGTERM and SIGINT on to them. Returns the exit status
 * once all have ended after a stop. Call without threads, with signals blocked
 * (worker_block_signals).
 */
int supervisor_run(const struct settings *s);

#endif
