/* One attempt at one delivery: its message read, its task found and performed within its limits. */
#ifndef METERBEAT_WORKER_RUNTIME_ATTEMPT_H
#define METERBEAT_WORKER_RUNTIME_ATTEMPT_H

#include <stdatomic.h>

#include "worker/runtime/handover.h"
#include "worker/runtime/heartbeat.h"
#include "worker/runtime/publish_request.h"
#include "worker/runtime/unavailable.h"
#include "worker/task/task.h"

struct events;
struct state;

/* What all attempts of one executor share. Executor thread, but for has_failed. */
struct executor_context {
    const struct settings *settings;
    const char *name; /* in runs, logs and dead letters */
    struct handover *handover;
    struct publish_port port;
    struct events *events; /* NULL: nobody is told */
    struct state *state;
    struct pg *pg; /* NULL: no database is configured */
    struct heartbeat heartbeat;
    struct unavailable_queues unavailable;
    char database_trouble[32];  /* the code that was logged last; "": none */
    uint64_t chords_logged[64]; /* fingerprints of the chords that were logged last: once each */
    size_t chords_next;
    atomic_bool has_failed; /* the process cannot go on */
};

enum revocation { REVOKED_EXPIRED, REVOKED_BY_REQUEST, REVOKED_TERMINATED };

struct attempt {
    struct executor_context *executor;
    struct delivery *delivery;
    struct task_message message;
    bool is_readable; /* message is filled */
    const struct task *task;
    json_t *result; /* what the task returned, or NULL */
    struct run_key key;
    struct run run;
    struct run_ended ended; /* of a run that had ended before */
    bool has_run;
    bool is_taken_over;         /* another delivery of the same id holds the run by now */
    enum revocation revocation; /* of an attempt that fails with ERR_REVOKED */
    int64_t failed;             /* earlier attempts that failed */
    int64_t started_ms;         /* monotonic, as the two below */
    int64_t deadline_ms;        /* the task's time limit */
    int64_t renewed_ms;         /* the lease */
};

/* Decodes and finds the task. False: ERR_REJECT with the reason for the dead-letter queue, or
 * "no_memory". */
MUST_CHECK bool attempt_read(struct attempt *a, struct err *e);
/* False: ERR_REVOKED, its message has expired by now_ms or was revoked. */
MUST_CHECK bool attempt_is_wanted(struct attempt *a, int64_t now_ms, struct err *e);
void attempt_free(struct attempt *a);
/* The broker has given the delivery to somebody else by now: settling it means nothing. */
bool attempt_is_void(const struct attempt *a);
/* Runs the task with its time limit. False: as the task says; ERR_REVOKED, revoked before it
 * started or terminated while it ran; ERR_STOPPING. */
MUST_CHECK bool attempt_perform(struct attempt *a, struct err *e);

#endif
