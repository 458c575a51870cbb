/* A request that its custodian accepted and has not answered yet (202): when to poll again, and for
 * how long. */
#ifndef METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H
#define METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H

#include "worker/ingest/request.h"

/* After a 202: what to store. poll_url: where to poll, after the first 202; borrowed, also by what
 * is returned. poll_url NULL in what is returned: the custodian's limit has passed. Pure. */
struct pending async_request_next(const struct ingest_request *r, const char *poll_url,
                                  int32_t retry_after_s);
/* After a 202: stores when to poll again. Returns false: ERR_NOT_NOW; ERR_REJECT
 * "feed_never_ready" after the custodian's limit. */
bool async_request_wait(const struct ingest_request *r, const char *poll_url, int32_t retry_after_s,
                        struct err *e);
/* False: what is pending is not due yet, ERR_NOT_NOW. */
MUST_CHECK bool async_request_is_due(const struct ingest_request *r, struct err *e);
/* After a BatchList: stores its URLs, so that it is not requested again. */
MUST_CHECK bool async_request_store_urls(const struct ingest_request *r, const char *poll_url,
                                         const char *urls, struct err *e);
/* Drops what is pending: the next parse starts with a new request. */
void async_request_give_up(const struct ingest_request *r);

#endif
