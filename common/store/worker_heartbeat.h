/* Worker heartbeats: one row per worker process, for `meterbeatctl status`. */
#ifndef METERBEAT_STORE_WORKER_HEARTBEAT_H
#define METERBEAT_STORE_WORKER_HEARTBEAT_H

#include "common/base/err.h"
#include "common/store/pg.h"

struct worker_heartbeat {
    const char *name; /* worker@host/pid */
    const char *host;
    int64_t pid;
    const char *queue;
    const char *version;
    const char *task_id; /* running now, or NULL */
    int64_t tasks_done;
    int64_t wall_ms; /* this machine's own clock */
};

/* Inserts or updates the row. *ret_now_ms: the database's clock. */
MUST_CHECK bool worker_heartbeat_tell(struct pg *p, const struct worker_heartbeat *w,
                                      int64_t *ret_now_ms, struct err *e);
/* A worker that stops in order deletes its row; after a crash the row remains, with the time of the
 * last heartbeat. */
MUST_CHECK bool worker_heartbeat_end(struct pg *p, const char *name, struct err *e);

#endif
