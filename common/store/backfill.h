/* Repairs: parses of a named window that were promised because KairosDB lost what it had shown. */
#ifndef METERBEAT_STORE_BACKFILL_H
#define METERBEAT_STORE_BACKFILL_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* In a transaction, one at a time over all sessions: who asks next sees what this one promises.
 * Whether a parse of that window of the record is under way, or was begun so lately that the next
 * would find nothing else: a minute ago after the first, twice as long after each, a day at most.
 * What no feed has any more is so asked for ever less often. by_hand: only whether it is under way.
 * Errors: those of pg_query. */
MUST_CHECK bool repair_is_promised(struct pg *p, int64_t record_id, int64_t from_s, int64_t to_s,
                                   bool by_hand, bool *ret_promised, struct err *e);

#endif
