/* One attempt at one delivery: what the files of the executor share about it. */
#ifndef METERBEAT_WORKER_RUNTIME_ATTEMPT_H
#define METERBEAT_WORKER_RUNTIME_ATTEMPT_H

#include <stdatomic.h>

#include "worker/runtime/executor.h"
#include "worker/runtime/heartbeat.h"
#include "worker/runtime/shunned.h"
#include "worker/task/task.h"

struct events;
struct state;
enum revocation { REVOKED_EXPIRED, REVOKED_BY_REQUEST, REVOKED_TERMINATED };

struct executor {
    const struct settings *settings;
    const char *name;
    struct handover *handover;
    struct events *events; /* NULL: nobody is told */
    struct state *state;
    struct thread *thread;
    struct pg *pg; /* NULL: no database is configured */
    struct attendance attendance;
    struct shunned shunned;
    struct delivery *held; /* waiting for their eta, soonest first */
    char complaint[32];    /* the code of the trouble with the books that was logged last */
    uint64_t chords[64];   /* fingerprints of chords that were logged last: once each */
    size_t chords_next;
    atomic_bool failed;
};

struct attempt {
    struct executor *executor;
    struct delivery *delivery;
    struct message message;
    bool readable; /* message is filled */
    const struct task *task;
    json_t *result; /* what the task returned, or NULL */
    struct run_key key;
    struct run run;
    struct run_ended ended; /* of a run that had ended before */
    bool has_run;
    bool taken_over;     /* another delivery of the same id holds the run by now */
    int64_t failed;      /* earlier attempts that failed */
    int64_t started_ms;  /* monotonic, as the two below */
    int64_t deadline_ms; /* the task's time limit */
    int64_t renewed_ms;  /* the lease */
};

/* --- attempt.c: what a delivery asks for --------------------------------------------------- */
/* Decodes and finds the task. False: ERR_REJECT with the reason for the dead-letter queue, or
 * "no_memory". */
MUST_CHECK bool attempt_read(struct attempt *a, struct err *e);
bool attempt_expired(const struct attempt *a, int64_t now_ms);
void attempt_free(struct attempt *a);
/* The broker has given the delivery to somebody else by now: settling it means nothing. */
bool attempt_void(const struct attempt *a);
/* Runs the task with its time limit. False: as the task says, or attempt_revoked. */
MUST_CHECK bool attempt_perform(struct attempt *a, struct err *e);
/* It has been revoked before it started, or terminated while it ran. */
bool attempt_revoked(const struct err *why, enum revocation *ret_how);

/* --- executor.c: one delivery from its bytes on. *ret_held: it waits for its eta, unsettled --- */
enum settlement executor_settlement(struct attempt *a, bool *ret_held);

/* --- outcome.c: what becomes of it. Each returns how to settle; SETTLE_LEAVE when a stop came
 * first --- */
enum settlement outcome_dead(struct attempt *a, const struct err *why);
/* The next rung, or dead after the last. */
enum settlement outcome_retry(struct attempt *a, const struct err *why);
/* Revoked or terminated by remote control: its run ends, its sender is told; no dead letter. */
enum settlement outcome_revoked(struct attempt *a, enum revocation how);
/* It has come back to its quorum queue so often that the queue would drop it some time: published
 * anew, by way of the shortest retry queue, it starts again at nought. */
enum settlement outcome_afresh(struct attempt *a);
/* eta: on the ladder for delay_s. */
enum settlement outcome_later(struct attempt *a, int64_t delay_s);
/* On the ladder for at most wait_ms, but for the lowest rung at least. */
enum settlement outcome_later_within(struct attempt *a, int64_t wait_ms);
/* TASK_NOT_NOW: on the ladder for about as long as it says, without counting as a failure. */
enum settlement outcome_not_now(struct attempt *a, const struct err *why);
/* Publishes until all are confirmed. False: STOP_NOW, the delivery is void, ERR_REJECT, or a queue
 * that is there and does not answer (PUBLISH_NO_CONFIRM). */
MUST_CHECK bool outcome_publish(struct attempt *a, struct publication *items, size_t count,
                                struct err *e);
/* What to do with the index-th, which failed: again, or it is taken care of, or a stop came. */
enum give_up { GIVE_UP_NOT_YET, GIVE_UP, GIVE_UP_STOPPED };
typedef enum give_up outcome_give_up(void *context, size_t index, const struct err *why);
/* Publishes until each is confirmed or given up. False: STOP_NOW, or the delivery is void. */
MUST_CHECK bool outcome_publish_some(struct attempt *a, struct publication *items, size_t count,
                                     outcome_give_up *give_up, void *context, struct err *e);
/* v to the dead-letter queue, from where it can be replayed to `queue`. False: a stop, void, or a
 * dead-letter queue that does not answer (PUBLISH_NO_CONFIRM). */
MUST_CHECK bool outcome_bury(struct attempt *a, const struct envelope *v, const struct err *why,
                             int64_t attempts, const char *queue, struct err *e);

/* --- keeper.c: the attempt whose task keeps a run ------------------------------------------ */
enum settlement keeper_attempt(struct attempt *a);
/* A task without effects whose delivery has come back: from then on its starts are counted, by a run
 * like others, so that one that kills its workers ends. True: it is to be performed, uncounted
 * while the database is away. False: *ret_settlement, it is dead or a stop came first. */
MUST_CHECK bool keeper_count_start(struct attempt *a, enum settlement *ret_settlement);
/* It was done: ends that run. False: a stop came first, or the lease is lost. */
MUST_CHECK bool keeper_done(struct attempt *a);
/* Given up because of a stop: does not count as a start that killed its worker. */
void keeper_release(struct attempt *a);
/* Its message has expired: ends the run, if an earlier attempt began one. False: a stop came first.
 */
MUST_CHECK bool keeper_expired(struct attempt *a);
/* Writes with the run's token until the database has it; false: stop, void delivery or a lost
 * lease. */
MUST_CHECK bool keeper_retry(struct attempt *a, int64_t delay_s, const struct err *why);
MUST_CHECK bool keeper_dead(struct attempt *a, const struct err *why);
/* Its task was revoked ("revoked") or terminated ("terminated"): ends the run, if there is one.
 * False: as above. */
MUST_CHECK bool keeper_revoked(struct attempt *a, const char *how);
MUST_CHECK bool keeper_wait(struct attempt *a, int64_t delay_s, const struct err *why);

#endif
