/* A request that its custodian has accepted and not answered yet (202): when to ask again, and for how
 * long. */
#ifndef METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H
#define METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H

#include "worker/ingest/request.h"

/* 202 once more, or for the first time: what is to be stored, or NULL in poll_url: it has taken longer
 * than the custodian's limit. poll_url: where to ask again, for a first 202; borrowed, as in the
 * result. Pure. */
struct pending async_request_next(const struct ingest_request *r, const char *poll_url,
                                  int32_t retry_after_s);
/* 202: stores when to ask again. Returns false: ERR_RETRY TASK_NOT_NOW; ERR_REJECT
 * "feed_never_ready" after the custodian's limit. */
bool async_request_wait(const struct ingest_request *r, const char *poll_url, int32_t retry_after_s,
                        struct err *e);
/* What is pending is not due yet: false, ERR_RETRY TASK_NOT_NOW. */
MUST_CHECK bool async_request_is_due(const struct ingest_request *r, struct err *e);
/* A BatchList has come: its URLs are stored, so that nobody asks for it again. */
MUST_CHECK bool async_request_store_urls(const struct ingest_request *r, const char *poll_url,
                                         const char *urls, struct err *e);
/* What was pending is of no use any more: the next parse asks anew. */
void async_request_give_up(const struct ingest_request *r);

#endif
