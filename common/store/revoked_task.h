/* Revoked task ids, stored for workers that start later. */
#ifndef METERBEAT_STORE_REVOKED_TASK_H
#define METERBEAT_STORE_REVOKED_TASK_H

#include "common/base/err.h"
#include "common/store/pg.h"

/* Stores the task ids of a JSON list of texts; existing ones are renewed. Outside a transaction. */
MUST_CHECK bool revoked_save(struct pg *p, const char *ids_json, struct err *e);
/* Calls take for each id revoked at most keep_s ago: the newest `most` of them, oldest first. */
typedef void revoked_take(void *context, const char *task_id, int64_t age_ms);
MUST_CHECK bool revoked_load(struct pg *p, int64_t keep_s, int64_t most, revoked_take *take,
                             void *context, size_t *ret_count, struct err *e);

#endif
