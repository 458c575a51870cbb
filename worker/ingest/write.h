/* Third step of a parse: staged points into KairosDB, and each local day counted back until it is
 * there. */
#ifndef METERBEAT_WORKER_INGEST_WRITE_H
#define METERBEAT_WORKER_INGEST_WRITE_H

#include "worker/ingest/parse_result.h"
#include "worker/ingest/staged_feed.h"

/* Starts at the run's checkpoint if it has one, and commits checkpoints while it takes long. Stages
 * the days for the commit. ERR_RETRY "kairosdb_lost"; ERR_NOT_NOW: the time limit is reached and a
 * part is committed; those of KairosDB and PostgreSQL. */
MUST_CHECK bool ingest_write(const struct ingest_request *r, struct staged_feed *feed,
                             struct ingest_result *result, struct err *e);

#endif
