/* Backfills: parses of a window by name, enqueued because KairosDB lost data that it had shown. */
#ifndef METERBEAT_STORE_BACKFILL_H
#define METERBEAT_STORE_BACKFILL_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * In a transaction; sessions take turns, so that the next one sees what this one enqueues. Whether
 * a parse of that window of the record is open, or was begun so recently that another would find
 * nothing new: within a minute of the first, twice as long after each further one, a day at most.
 * So data that no feed has any more is requested less and less often. is_manual: only whether one is
 * open. Errors: those of pg_query.
 */
MUST_CHECK bool backfill_is_enqueued(struct pg *p, int64_t record_id, int64_t from_s, int64_t to_s,
                                     bool is_manual, bool *ret_promised, struct err *e);

#endif
