/* Deletes finished runs, past ticks, vanished workers and abandoned pending requests after a number
 * of days, and revoked tasks after their own time. */
#ifndef METERBEAT_STORE_PURGE_H
#define METERBEAT_STORE_PURGE_H

#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * Outside a transaction; any number at once. Deletes rows older than keep_days in small statements:
 * runs that are done or dead, ticks that their entry has passed, workers that have vanished.
 * *ret_rows = rows deleted; a large backlog takes several calls (PURGE_MAX_ROWS each, per kind).
 */
#define PURGE_MAX_ROWS 50000
MUST_CHECK bool purge_old(struct pg *p, int64_t keep_days, int64_t *ret_rows, struct err *e);
/* The same for tasks that were revoked longer than keep_s ago. */
MUST_CHECK bool purge_revoked(struct pg *p, int64_t keep_s, int64_t *ret_rows, struct err *e);

#endif
