/* Finds or makes the stored series of a feed's series: its tags, its meter and its id. */
#ifndef METERBEAT_WORKER_INGEST_CLAIM_SERIES_H
#define METERBEAT_WORKER_INGEST_CLAIM_SERIES_H

#include "common/espi/reader.h"
#include "common/kairosdb/series_tags.h"
#include "worker/ingest/request.h"

struct claimed_series {
    int64_t series_id; /* 0: another meter has these tags, and those that tell this one apart */
    bool is_apart;     /* another record named the meter first: a series of this record's own */
};

/* Begins the transaction that all claims are made in: nobody else claims of the building, and the
 * run's lease holds (it may have run out while that was waited for). Errors: those of series_lock,
 * run_fence. */
MUST_CHECK bool claim_begin(const struct ingest_request *r, struct err *e);
/* tags: of series_tags_of; changed to those the series has. Of a preview nothing becomes known.
 * Errors: those of series_claim. */
MUST_CHECK bool claim_series(const struct ingest_request *r, const struct espi_series *s,
                             struct series_tags *tags, struct claimed_series *ret_claimed,
                             struct err *e);

#endif
