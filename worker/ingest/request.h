/* One request to a Data Custodian: a place at its host, its token, its certificate. */
#ifndef METERBEAT_WORKER_INGEST_REQUEST_H
#define METERBEAT_WORKER_INGEST_REQUEST_H

#include "common/greenbutton/feed.h"
#include "worker/ingest/parse.h"

struct ask {
    const char *url;
    const char *etag, *last_modified; /* NULL: whatever it has */
    bool may_wait;                    /* 202 is an answer */
    bool is_more; /* what came before it is staged already: worth a minute's wait for a place */
};

/*
 * False: as feed_fetch and bearer_get; a 401 is answered with a new token once. ERR_RETRY
 * TASK_NOT_NOW when the host has no place soon.
 */
MUST_CHECK bool ask_custodian(struct parse *p, const struct ask *a, const struct feed_sink *sink,
                              struct feed_answer *ret_answer, struct err *e);

/* A place at the host of url, within patience_ms. Give it back with ask_leave. TASK_NOT_NOW: none.
 */
MUST_CHECK bool ask_enter(struct parse *p, const char *url, int64_t patience_ms, int64_t *ret_place,
                          struct err *e);
void ask_leave(struct parse *p, int64_t place);
/* Up to ms, in small steps. False: as task_go_on. */
MUST_CHECK bool ask_pause(struct parse *p, int64_t ms, struct err *e);
#define ASK_SHORT_MS 2000 /* how long a worker waits for a place before its task does */

#endif
