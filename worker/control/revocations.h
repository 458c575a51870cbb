/* Revoked ids that outlive the worker: read and written by a thread that alone waits for the
 * database. */
#ifndef METERBEAT_WORKER_REVOCATIONS_H
#define METERBEAT_WORKER_REVOCATIONS_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "worker/runtime/state.h"

struct revocations;

/*
 * Starts the thread: it tells st what was revoked before, and saves what revocations_save is given;
 * while the database is away it tries again with growing pauses. Borrows all. False: ERR_FATAL
 * "no_thread".
 */
MUST_CHECK bool revocations_start(const struct settings *s, const char *name, struct state *st,
                                  struct revocations **ret_revocations, struct err *e);
/* Any thread: `ids`, a list of texts, are to be saved; borrowed. Beyond
 * worker.max_revoked that wait they are not. */
void revocations_save(struct revocations *r, const json_t *ids);
/* All given so far are saved; waits for it at most most_ms. */
bool revocations_await(struct revocations *r, int64_t most_ms);
/* Saves what waits if the database answers, at most timeout_ms; frees. False: still running. */
MUST_CHECK bool revocations_end(struct revocations *r, int64_t timeout_ms);

#endif
