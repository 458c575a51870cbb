/* One worker: its threads, from start to an orderly end. */
#ifndef METERBEAT_WORKER_WORKER_H
#define METERBEAT_WORKER_WORKER_H

#include "common/config/settings.h"

/* What the program exits with. */
enum worker_exit {
    WORKER_EXIT_OK = 0,
    WORKER_EXIT_FATAL = 3, /* a task found that the process cannot go on */
    WORKER_EXIT_STUCK = 4, /* a task did not come back after the grace time */
    WORKER_EXIT_ASKED = 5, /* between supervisor and child: remote control ended it; the program
                              exits with WORKER_EXIT_OK */
};

/* Blocks the signals that worker_run waits for; before any thread or child is made. */
void worker_block_signals(void);
/*
 * Works until SIGTERM or SIGINT: takes nothing new, finishes what runs, acknowledges, closes. A
 * second signal or the grace time: stops at a safe point, unacknowledged; a task that does not
 * reach one within 30 s ends the process with WORKER_EXIT_STUCK. index: among the processes of one
 * call, from 1. Returns the exit status.
 */
int worker_run(const struct settings *s, int index);

#endif
