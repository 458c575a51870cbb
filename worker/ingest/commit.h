/* Last step of a parse: everything it did into PostgreSQL in one transaction, or nothing. */
#ifndef METERBEAT_WORKER_INGEST_COMMIT_H
#define METERBEAT_WORKER_INGEST_COMMIT_H

#include "worker/ingest/custodian_exchange.h"
#include "worker/ingest/parse_result.h"

/* Commits days, dirty months, bills, registers, the record's last_date, the next window's message,
 * the custodian's validators (x NULL: none), and the run as done. Fills in the rest of the result.
 * Errors: those of the store; ERR_RETRY "record_changed". */
MUST_CHECK bool ingest_commit(const struct ingest_request *r, struct exchange *x,
                              struct ingest_result *result, struct err *e);
/* There was nothing to fetch: commits the run as done. */
MUST_CHECK bool ingest_commit_nothing(const struct ingest_request *r, const char *why,
                                      struct ingest_result *result, struct err *e);
/* Inside a transaction: writes the days staged so far, and marks their months dirty. */
MUST_CHECK bool ingest_commit_days(const struct ingest_request *r, struct ingest_result *result,
                                   struct err *e);

/* Whether success moves the record's last_date. Pure. */
bool ingest_moves(const struct ingest_request *r, const struct ingest_result *result);
/* Whether the record's next window is enqueued at once. Pure. */
bool ingest_goes_on(const struct ingest_request *r, const struct ingest_result *result);

#endif
