/* The lease on a run: taken before a task that keeps one is performed, and ended with the attempt,
 * whatever the database does meanwhile. */
#ifndef METERBEAT_WORKER_RUNTIME_RUN_LEASE_H
#define METERBEAT_WORKER_RUNTIME_RUN_LEASE_H

#include "worker/runtime/attempt.h"

/* How an attempt leaves its run. */
enum run_end {
    RUN_END_DONE,    /* of a task without effects; others commit that themselves */
    RUN_END_RETRY,   /* failed, goes on after delay_s */
    RUN_END_WAIT,    /* not now, goes on after delay_s: no failure */
    RUN_END_DEAD,    /* failed for good */
    RUN_END_EXPIRED, /* its message came too late: if an earlier attempt began one */
    RUN_END_REVOKED, /* "revoked" or "terminated": if there is one */
};

/*
 * Takes the run of the attempt's task id (run_take); sets has_run. patient: the delivery is held
 * until the database can be used. False: ERR_REJECT; else a stop came first, the delivery is void,
 * or (not patient) the database cannot be used. A database that can never serve fails the process.
 */
MUST_CHECK bool run_lease_take(struct attempt *a, bool patient, enum run_state *ret_state,
                               struct err *e);
/* One write, repeated until the database has it; others than those whose task keeps a run do
 * without. False: STOP_NOW, a void delivery, ERR_REJECT, or ERR_LEASE_LOST. */
typedef bool run_lease_write_fn(struct attempt *a, void *context, struct err *e);
MUST_CHECK bool run_lease_write(struct attempt *a, run_lease_write_fn *write, void *context,
                                struct err *e);
/* Ends it like that. why: of RETRY, WAIT and DEAD. False, logged: as run_lease_write;
 * a->is_taken_over says whether the lease was lost. */
MUST_CHECK bool run_lease_end(struct attempt *a, enum run_end how, int64_t delay_s,
                              const struct err *why);
/* Given up by our own will: must not count as a start that killed its worker. Tried once. */
void run_lease_release(struct attempt *a);

#endif
