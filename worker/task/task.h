/* What a task is: what it is given, and what it answers. Tasks themselves are listed in tasks.c. */
#ifndef METERBEAT_WORKER_TASK_TASK_H
#define METERBEAT_WORKER_TASK_TASK_H

#include "common/base/err.h"
#include "common/store/pg.h"
#include "common/store/run.h"
#include "common/config/settings.h"
#include "common/celery/task_message.h"

/* Who performs a task, asked at its safe points: the executor, or a command of meterbeatctl. */
struct task_host {
    bool (*go_on)(void *context, const char *progress, struct err *e);
    bool (*should_stop)(void *context);
    void *context;
};

/* What a running task is given. One thread; borrowed for the call. */
struct task_context {
    const struct settings *settings;
    const struct task_message *message; /* its id owns what the task puts into the outbox */
    struct pg *pg;   /* connected, outside a transaction; NULL for a task that keeps no run */
    struct run *run; /* leased; NULL for a task that keeps no run */
    int64_t now_ms;  /* at the start of the task: the database's clock, where it keeps a run */
    const struct task_host *host;
};

/*
 * A safe point: call it between steps and at least every second of work. Renews the lease with
 * `progress` (at most every few seconds) and returns false when the task should stop: ERR_RETRY
 * "time_limit", ERR_STOPPING, ERR_REVOKED, ERR_LEASE_LOST.
 */
MUST_CHECK bool task_go_on(struct task_context *t, const char *progress, struct err *e);
/* The same question for a library callback that may not touch the database: only time limit and
 * stop. */
bool task_should_stop(struct task_context *t);
/* Sleeps that long in short steps, each a safe point with `progress` (NULL: as before). Errors:
 * those of task_go_on. */
MUST_CHECK bool task_sleep(struct task_context *t, int64_t ms, const char *progress, struct err *e);

/* For the callbacks of a library that may use the database (libcurl's, at least every second, while
 * no COPY is open): whether to stop, and why. */
struct task_stop {
    struct task_context *task;
    struct err why; /* ERR_NONE: nothing has stopped it */
};
bool task_stop_asked(void *context); /* context: struct task_stop; a safe point */
/* What failed because it was stopped failed for the reason of the stop. Returns false. */
bool task_stopped(const struct task_stop *s, struct err *e);
/* pg_begin for a transaction that writes: nobody takes the run over, where there is one, until its
 * end. Errors: those of pg_begin and run_fence. */
MUST_CHECK bool task_begin(struct task_context *t, struct err *e);
/* Inside the task's transaction: its run, where it keeps one, is done with that result. Errors:
 * those of run_done. */
MUST_CHECK bool task_done(struct task_context *t, const char *summary, const json_t *result,
                          struct err *e);

/* Celery's soft shape: a native function for a task name. */
struct task {
    const char *name;
    bool keeps_run; /* false: no effects, touches no database */
    /* Takes microseconds and asks task_go_on nothing: several are taken, and settled, at once. */
    bool is_brief;
    /* True: done; a task that keeps a run has committed task_done() itself, with its follow-ups in
     * the outbox. ret_result (may stay NULL) is the task's return value, owned by the caller
     * afterwards. False, for a task that keeps a run: ERR_NOT_NOW when it cannot do its work yet
     * (the custodian is still at it): it never counts as a failure, so the task has to bound its
     * waiting by itself. */
    bool (*perform)(struct task_context *t, json_t **ret_result, struct err *e);
    const char *summary; /* for --help and `inspect registered` */
    /* Sets what of the run the arguments name: record_id, building_id, only_one (the rest is set
     * already); borrows from the message. NULL: they name nothing. Bad arguments are perform's to
     * refuse. Also what log lines say as record= and building=. */
    void (*about)(const struct task_message *m, struct run_key *key);
};

/* The tasks there are, for good; before any thread is started. Nothing above this folder is known
 * here: that keeps delivery apart from meters. */
void task_register(const struct task *tasks, size_t count);
/* By canonical name (aliases resolved before); NULL for an unknown one. */
const struct task *task_find(const char *name);
const struct task *task_table(size_t *ret_count);

#endif
