/* How far a parse is whose points take longer to write than a task may: kept in its run. */
#ifndef METERBEAT_WORKER_INGEST_CHECKPOINT_H
#define METERBEAT_WORKER_INGEST_CHECKPOINT_H

#include "worker/ingest/parse.h"

/* What is before `from` is in KairosDB and in the books, of the very points of this fingerprint. */
struct checkpoint {
    char fingerprint[STAGE_FINGERPRINT]; /* "": not known yet */
    struct stage_mark from;              /* series_id 0: the beginning */
    int64_t covered_end_s;               /* of from.series_id: writer.covered_end_s */
    int64_t points, costs, months;       /* so far: parse.points, ... */
};

/* Where to go on: at the beginning, unless an earlier start of this run left a checkpoint and the
 * feed still says the same. Outside a transaction. Errors: those of pg_query. */
MUST_CHECK bool checkpoint_load(struct parse *p, struct checkpoint *ret_checkpoint, struct err *e);
/* The staged days, flushed, into the books, and the checkpoint with them. Fills the fingerprint if
 * need be. Errors: those of book_days; ERR_RETRY "lease_lost". */
MUST_CHECK bool checkpoint_book(struct parse *p, struct checkpoint *c, struct err *e);

#endif
