/* What a custodian said in earlier answers and this one only refers to: reading types and their
 * like. */
#ifndef METERBEAT_WORKER_INGEST_RESOURCE_CACHE_H
#define METERBEAT_WORKER_INGEST_RESOURCE_CACHE_H

#include "worker/ingest/parse.h"

/* Keeps the resources of this answer, then hands to the reader, as further documents, those kept
 * earlier that it names and does not hold. Before espi_finish. Errors: of the reader, the books. */
MUST_CHECK bool recall(struct parse *p, struct err *e);

#endif
