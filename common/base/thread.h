/* A thread that can be joined with a time limit. */
#ifndef METERBEAT_BASE_THREAD_H
#define METERBEAT_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

struct thread;

/* Runs run(context) on a stack of stack_bytes. NULL: out of memory or threads. */
struct thread *thread_start(void (*run)(void *), void *context, size_t stack_bytes);
/* Waits at most timeout_ms (0 or more, by the monotonic clock) for run to return, then frees t.
 * False: it still runs, and t is unchanged. Call from one thread, and not again after true. */
MUST_CHECK bool thread_join(struct thread *t, int64_t timeout_ms);
/* A condition whose pthread_cond_timedwait goes by the monotonic clock (clock_timespec). */
void thread_cond_init(pthread_cond_t *condition);

#endif
