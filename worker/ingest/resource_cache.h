/* Resources of earlier answers that this one only refers to, such as reading types. */
#ifndef METERBEAT_WORKER_INGEST_RESOURCE_CACHE_H
#define METERBEAT_WORKER_INGEST_RESOURCE_CACHE_H

#include "worker/ingest/staged_feed.h"

/* Stores the resources of this answer, then hands to the reader, as further documents, those stored
 * earlier that it names and does not hold. Before staged_feed_finish. Errors: of the reader, the
 * store. */
MUST_CHECK bool resource_cache_use(struct staged_feed *feed, struct err *e);

#endif
