/* A slot for one HTTP request to a host: its custodian limits them for all workers together. */
#ifndef METERBEAT_WORKER_INGEST_RATE_SLOT_H
#define METERBEAT_WORKER_INGEST_RATE_SLOT_H

#include "common/store/custodian.h"
#include "worker/task/task.h"

/* How long a worker waits for a slot before its task does; and where work done would be lost: a
 * minute's limit makes room within a minute. */
#define RATE_SLOT_SHORT_MS 2000
#define RATE_SLOT_LONG_MS 70000

/* At the host of url, within patience_ms; give it back with rate_slot_release. False: ERR_RETRY
 * ERR_NOT_NOW, none is free; those of rate_limiter_acquire and task_go_on. */
MUST_CHECK bool rate_slot_acquire(struct task_context *t, const struct custodian *c,
                                  const char *url, int64_t patience_ms, int64_t *ret_slot,
                                  struct err *e);
void rate_slot_release(struct task_context *t, int64_t slot);

#endif
