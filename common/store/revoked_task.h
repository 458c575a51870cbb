/* Task ids that are not to run: for the workers that start after the ones that were told. */
#ifndef METERBEAT_STORE_REVOKED_TASK_H
#define METERBEAT_STORE_REVOKED_TASK_H

#include "common/base/err.h"
#include "common/store/pg.h"

/* Task ids of a JSON list of texts; those that are there already are revoked anew. Outside a
 * transaction. */
MUST_CHECK bool revoked_save(struct pg *p, const char *ids_json, struct err *e);
/* Calls take for each id revoked at most keep_s ago, oldest first, the newest `most` of them. */
typedef void revoked_take(void *context, const char *task_id, int64_t age_ms);
MUST_CHECK bool revoked_load(struct pg *p, int64_t keep_s, int64_t most, revoked_take *take,
                             void *context, size_t *ret_count, struct err *e);

#endif
