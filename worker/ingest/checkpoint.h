/* How far a parse has come whose points take longer to write than one task may: stored in its run.
 */
#ifndef METERBEAT_WORKER_INGEST_CHECKPOINT_H
#define METERBEAT_WORKER_INGEST_CHECKPOINT_H

#include "worker/ingest/parse_result.h"
#include "worker/ingest/staged_feed.h"

/* What is before `from` is in KairosDB and in the ledger, for exactly the points of this
 * fingerprint. */
struct checkpoint {
    char fingerprint[STAGING_FINGERPRINT]; /* "": not known yet */
    struct staging_mark from;              /* series_id 0: the beginning */
    int64_t covered_end_s;                 /* of from.series_id: coverage.end_s */
    int64_t points, costs, months;         /* so far: ingest_result.points, ... */
};

/* Where to continue: at the beginning, unless an earlier attempt of this run left a checkpoint and
 * the feed is still the same. Outside a transaction. Errors: those of pg_query. */
MUST_CHECK bool checkpoint_load(const struct ingest_request *r, struct staged_feed *feed,
                                struct checkpoint *ret_checkpoint, struct err *e);
/* Commits the staged and flushed days to the ledger, and the checkpoint with them. Fills in the
 * fingerprint if it is missing. Errors: those of ingest_commit_days; ERR_LEASE_LOST "lease_lost". */
MUST_CHECK bool checkpoint_commit(const struct ingest_request *r, struct staged_feed *feed,
                                  struct ingest_result *result, struct checkpoint *c,
                                  struct err *e);

/* From its form in the run. False: another version wrote it. Pure. */
MUST_CHECK bool checkpoint_read(const json_t *json, struct checkpoint *ret_checkpoint);
/* New reference; NULL without memory. Pure. */
json_t *checkpoint_json(const struct checkpoint *c);
/* What was found, if it belongs to the points of this fingerprint; otherwise the beginning. Pure.
 */
struct checkpoint checkpoint_take_up(const struct checkpoint *found, const char *fingerprint);

#endif
