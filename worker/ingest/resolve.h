/* Second step of a parse: each series of the feed gets its tags, its meter and its id, or a reason
 * why not. */
#ifndef METERBEAT_WORKER_INGEST_RESOLVE_H
#define METERBEAT_WORKER_INGEST_RESOLVE_H

#include "worker/ingest/parse_result.h"
#include "worker/ingest/staged_feed.h"

/* Makes and commits series and meters, stages their bills, and closes the reader. ERR_REJECT
 * "too_many_series" (before any is made), "corrections_differ"; those of the store. */
MUST_CHECK bool ingest_resolve(const struct ingest_request *r, struct staged_feed *feed,
                               struct ingest_result *result, struct err *e);

#endif
