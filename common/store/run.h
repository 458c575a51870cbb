/* The run of a task id: who runs it, in which attempt, and how it ended. */
#ifndef METERBEAT_STORE_RUN_H
#define METERBEAT_STORE_RUN_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/store/pg.h"

/* The subject of a run; strings borrowed, NULL/0 where it does not apply. */
struct run_key {
    const char *task_id; /* any text of at most 255 bytes; Celery's are UUIDs */
    const char *task;
    int64_t record_id;
    const char *building_id;
    /* JSON text of [args, kwargs], complete: a lost message is made again from it */
    const char *arguments;
    const char *parent_id, *root_id;
    /* At most one open run of this task and record: for a parse of the record's next window. */
    bool only_one;
    const char *queue;   /* the queue that its message comes from, or goes to */
    int64_t expires_ms;  /* of its message, epoch milliseconds; 0: never */
    bool is_redelivered; /* its previous holder can no longer acknowledge it */
};

/* A lease on a run. token is the fencing token: it grows with each attempt and guards all
 * writes. */
struct run {
    char task_id[256];
    int64_t token; /* = number of starts */
    /* attempts that ended with a transient failure: position in the backoff schedule */
    int64_t failed;
    /* Earlier starts that never recorded how they ended; compared with worker.max_starts. */
    int64_t vanished;
    int64_t
        /* the database's clock when it was taken, so that no worker's clock decides what is due */
        now_ms;
};

enum run_state { RUN_TAKEN, RUN_DONE_BEFORE, RUN_DEAD_BEFORE, RUN_HELD };

/* How a run ended that is taken again. */
struct run_ended {
    json_t *result; /* of a done one: its return value; owned, NULL: nothing */
    struct err why; /* of a dead one: ERR_REJECT, ERR_REVOKED */
    int64_t held_s; /* of a held one: remaining time of its lease */
};

/* Limit of the JSON text of a result: a task's summary of itself, not the data it worked on. */
#define RUN_RESULT_BYTES 65536

/*
 * Outside a transaction. Takes the run for `worker` until now + lease_s: creates it or takes it
 * over (a redelivery means that the previous holder lost its delivery). DONE_BEFORE / DEAD_BEFORE:
 * the caller only publishes its outbox, reports how it ended (ret_ended, caller decrefs) and
 * acknowledges. HELD: this delivery is a copy (sent twice, or enqueued again) of one that somebody
 * holds under a valid lease; it must come again later. If an only_one run meets another open one of
 * its record: while that one is running, this one is done at once; otherwise this one takes its
 * place, and that one is done when its message comes.
 *
 * run: initially zeroed. If the answer to this COMMIT, or to that of the task it was taken for, is
 * lost ("commit_unknown"), call again with the same struct: the start that it holds then counts as
 * one that recorded its end.
 */
MUST_CHECK bool run_take(struct pg *p, const struct run_key *key, const char *worker,
                         int64_t lease_s, enum run_state *ret_state, struct run *run,
                         struct run_ended *ret_ended, struct err *e);
/* In a transaction, until its end: locks the run, so that nobody takes it over. Every write of a
 * task comes after this. "lease_lost" as in run_done. */
MUST_CHECK bool run_fence(struct pg *p, const struct run *r, struct err *e);
/* Extends the lease and stores the progress. False: ERR_LEASE_LOST "lease_lost" if another worker has
 * taken over. */
MUST_CHECK bool run_renew(struct pg *p, const struct run *r, int64_t lease_s, const char *progress,
                          struct err *e);
/* In the task's transaction, together with the effects that it covers: stores a checkpoint.
 * "lease_lost" as in run_done. */
MUST_CHECK bool run_set_checkpoint(struct pg *p, const struct run *r, const json_t *checkpoint,
                                   struct err *e);
/* *ret_checkpoint: the one that an earlier start left; caller decrefs; NULL: none. */
MUST_CHECK bool run_checkpoint(struct pg *p, const struct run *r, json_t **ret_checkpoint,
                               struct err *e);
/*
 * In the task's transaction: the run is done with this return value (borrowed; NULL: nothing).
 * ERR_LEASE_LOST "lease_lost" if the token is stale: roll back. ERR_REJECT "result_too_large" above
 * RUN_RESULT_BYTES. Call before run_expect for the record's next window, which would otherwise find
 * this run still open.
 */
MUST_CHECK bool run_done(struct pg *p, const struct run *r, const char *summary,
                         const json_t *result, struct err *e);
/*
 * The functions that end a start, each one statement outside a transaction. If its answer was lost,
 * call it again: it recognises by token and state that it has taken effect, and returns true.
 * False: "lease_lost" if another start has the run by now, or somebody else has ended it.
 */
/* The attempt failed and will be retried after at least delay_s; counts in `failed`. */
MUST_CHECK bool run_retry(struct pg *p, const struct run *r, int64_t delay_s, const struct err *why,
                          struct err *e);
/* It failed for good; or this same start wanted a retry whose message cannot be published. */
MUST_CHECK bool run_dead(struct pg *p, const struct run *r, const struct err *why, struct err *e);
/*
 * The message of a run arrived after its expiry: the run becomes done without being performed, so
 * that it does not wait for a retry for ever. Does nothing if there is no such run, or if it is
 * held under a valid lease, unless is_orphan: its holder is known to have lost the delivery.
 */
MUST_CHECK bool run_expire(struct pg *p, const char *task_id, bool is_orphan, struct err *e);
/* The task was revoked before it was performed: dead, code "revoked", with the reason as text.
 * Otherwise as run_expire; a run that is held is ended by run_dead. */
MUST_CHECK bool run_revoke(struct pg *p, const char *task_id, const char *how, bool is_orphan,
                           struct err *e);
/* Given up at a safe point, unacknowledged: waits for its redelivery, and does not count as
 * vanished. */
MUST_CHECK bool run_release(struct pg *p, const struct run *r, struct err *e);
/* Not possible now, without anybody's failure: waits delay_s for its message, with `why` as its
 * progress. */
MUST_CHECK bool run_wait(struct pg *p, const struct run *r, int64_t delay_s, const char *why,
                         struct err *e);
/* A dead run waits again, with its retries reset, for a message that a person sends again; any
 * other run is unchanged. */
MUST_CHECK bool run_reopen(struct pg *p, const char *task_id, bool *ret_reopened, struct err *e);
/* For people: rows of task id, state, starts, when it was made (UTC), and error or progress; at most
 * `most`, the last one first. NULL: as pg_query. */
MUST_CHECK PGresult *run_latest(struct pg *p, int64_t record_id, int64_t most, struct err *e);
/* A child's id, derived from its parent's and its subject, so that a repeat derives the same
 * one. */
void run_child_id(const char *parent_id, const char *about, char text[UUID_TEXT]);
/*
 * In the caller's transaction: writes a run in state waiting, for a message that the caller then
 * puts into the outbox if *ret_new. Not new: it exists already, or (only_one) its record has an
 * open run; nothing is written and no message is needed. An open run whose lease has expired does
 * not count: this one takes its place.
 */
MUST_CHECK bool run_expect(struct pg *p, const struct run_key *key, bool *ret_new, struct err *e);

#endif
