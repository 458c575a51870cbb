/* The book-keeping of one task id: who runs it, for which attempt, and what became of it. */
#ifndef METERBEAT_STORE_RUN_H
#define METERBEAT_STORE_RUN_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/store/pg.h"

/* What a run is about; strings borrowed, NULL/0 where it does not apply. */
struct run_key {
    const char *task_id; /* any text of at most 255 bytes; Celery's are UUIDs */
    const char *task;
    int64_t record_id;
    const char *building_id;
    const char *arguments; /* JSON text of [args, kwargs], whole: a lost message is made of it */
    const char *parent_id, *root_id;
    /* No second open run of this task and record beside it: a parse of the record's next window. */
    bool only_one;
    const char *queue;   /* where its message comes from, or goes to */
    int64_t expires_ms;  /* of its message, epoch milliseconds; 0: never */
    bool is_redelivered; /* its former holder cannot acknowledge it any more */
};

/* A lease on a run. token grows with each attempt and fences all writes (design.md invariant 3). */
struct run {
    char task_id[256];
    int64_t token;  /* = number of starts */
    int64_t failed; /* attempts that ended with a transient failure: the rung of the retry ladder */
    /* Earlier starts that never said how they ended: what to compare with worker.max_starts. */
    int64_t vanished;
    int64_t
        now_ms; /* the database's clock when it was taken: no worker's clock decides what is due */
};

enum run_state { RUN_TAKEN, RUN_DONE_BEFORE, RUN_DEAD_BEFORE, RUN_HELD };

/* How a run ended that is taken again. */
struct run_ended {
    json_t *result; /* of a done one: what it returned; owned, NULL: nothing */
    struct err why; /* of a dead one */
    int64_t held_s; /* of a held one: how long its lease is valid yet */
};

/* JSON text of a result: what the task tells about itself, not what it worked on. */
#define RUN_RESULT_BYTES 65536

/*
 * Outside a transaction. Takes the run for `worker` until now + lease_s: creates it or takes it
 * over (a redelivery means that the former holder lost its delivery). DONE_BEFORE / DEAD_BEFORE:
 * nothing to do but send its outbox, tell how it ended (ret_ended, caller decrefs) and acknowledge.
 * HELD: this delivery is a copy (sent twice, or promised anew) of one that somebody holds under a
 * valid lease; it is to come again later. An only_one run that meets another open one of its
 * record: while that one is running, this one is done at once; else this one takes its place, and
 * that one is done when its message comes.
 *
 * run: zeroed at first. When the answer to its COMMIT is lost ("commit_unknown"), or to that of the
 * task that it was taken for, it is taken again with the same struct: the start that it then has
 * counts as one that said how it ended.
 */
MUST_CHECK bool run_take(struct pg *p, const struct run_key *key, const char *worker,
                         int64_t lease_s, enum run_state *ret_state, struct run *run,
                         struct run_ended *ret_ended, struct err *e);
/*
 * Inside a transaction: from here to its end nobody takes the run over. What a task writes, it
 * writes behind this. "lease_lost" as in run_done.
 */
MUST_CHECK bool run_fence(struct pg *p, const struct run *r, struct err *e);
/* Extends the lease and says how far it is. False: ERR_RETRY "lease_lost" when another worker took
 * over. */
MUST_CHECK bool run_renew(struct pg *p, const struct run *r, int64_t lease_s, const char *progress,
                          struct err *e);
/* Inside the task's transaction, with what it says is done: how far the run is. "lease_lost" as in
 * run_done. */
MUST_CHECK bool run_set_checkpoint(struct pg *p, const struct run *r, const json_t *checkpoint,
                                   struct err *e);
/* *ret_checkpoint: what a start before this one left; caller decrefs; NULL: nothing. */
MUST_CHECK bool run_checkpoint(struct pg *p, const struct run *r, json_t **ret_checkpoint,
                               struct err *e);
/*
 * Inside the task's transaction: done, having returned result (borrowed; NULL: nothing). ERR_RETRY
 * "lease_lost" when the token is stale: roll back. ERR_REJECT "result_too_large" above
 * RUN_RESULT_BYTES. Before run_expect of the record's next window, which would meet this run still
 * open otherwise.
 */
MUST_CHECK bool run_done(struct pg *p, const struct run *r, const char *summary,
                         const json_t *result, struct err *e);
/*
 * The ends of a start, each one statement outside a transaction. One whose answer was lost is
 * called again: what has taken effect is recognised by token and state, and is true. False:
 * "lease_lost" when another start has it by now, or somebody else has ended it.
 */
/* The attempt failed and goes to the ladder for at least delay_s; counts in `failed`. */
MUST_CHECK bool run_retry(struct pg *p, const struct run *r, int64_t delay_s, const struct err *why,
                          struct err *e);
/* It failed for good; or it was to be retried by this same start, and cannot be sent to the ladder.
 */
MUST_CHECK bool run_dead(struct pg *p, const struct run *r, const struct err *why, struct err *e);
/* The message of a run came after its expiry: the run ends as done without being performed again,
 * so that it does not wait for a retry for ever. Does nothing when there is no such run, or one
 * that is held under a live lease, unless is_orphan: its holder is known to have lost the delivery.
 */
MUST_CHECK bool run_expire(struct pg *p, const char *task_id, bool is_orphan, struct err *e);
/* Its task was revoked before it was performed: dead, code "revoked", the text saying how. As
 * run_expire otherwise; a run that is held ends by run_dead. */
MUST_CHECK bool run_revoke(struct pg *p, const char *task_id, const char *how, bool is_orphan,
                           struct err *e);
/* Given up at a safe point, unacknowledged: waits for its redelivery, and has not vanished. */
MUST_CHECK bool run_release(struct pg *p, const struct run *r, struct err *e);
/* Not now, and nobody's failure: waits delay_s for its message, with `why` as its progress. */
MUST_CHECK bool run_wait(struct pg *p, const struct run *r, int64_t delay_s, const char *why,
                         struct err *e);
/* A dead run waits again, with a fresh ladder, for a message that a person sends once more; any
 * other is left as it is. */
MUST_CHECK bool run_reopen(struct pg *p, const char *task_id, bool *ret_reopened, struct err *e);
/* A child's id: from its parent's and what it is about, so that a repeat makes the same one. */
void run_child_id(const char *parent_id, const char *about, char text[UUID_TEXT]);
/*
 * Inside the caller's transaction: writes a run in state waiting, for a message that the caller
 * then puts in the outbox if *ret_new. Not new: it exists already, or (only_one) its record has an
 * open run; nothing is written and no message is due. An open run whose lease has run out is none:
 * this one takes its place.
 */
MUST_CHECK bool run_expect(struct pg *p, const struct run_key *key, bool *ret_new, struct err *e);

#endif
