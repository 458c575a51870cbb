/* First step of a parse: fetches the window and stages it, completely or not at all. */
#ifndef METERBEAT_WORKER_INGEST_FETCH_H
#define METERBEAT_WORKER_INGEST_FETCH_H

#include "worker/ingest/custodian_exchange.h"
#include "worker/ingest/staged_feed.h"

/* x NULL: the record's own URL, one answer, no token. feed->is_unchanged: nothing was new. Errors:
 * those of feed_fetch, pages_fetch and the reader; with the URL, without its secrets. */
MUST_CHECK bool ingest_fetch(const struct ingest_request *r, struct exchange *x,
                             struct staged_feed *feed, struct err *e);

#endif
