/* Ids of tasks that are not to run: a bounded set that forgets the oldest. Pure; no locks. */
#ifndef METERBEAT_WORKER_RUNTIME_REVOKED_H
#define METERBEAT_WORKER_RUNTIME_REVOKED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

/* A longer one cannot be a task id of ours: message.h refuses it. */
#define REVOKED_ID_MAX 255

struct revoked;

/* At most `most` ids, each for `keep_ms`. NULL: no memory. */
struct revoked *revoked_new(size_t most, int64_t keep_ms);
void revoked_free(struct revoked *r);
/* now_ms: monotonic. One that is there becomes the newest. *ret_new (may be NULL): it was not.
 * False: an id that cannot be one, or no memory. */
MUST_CHECK bool revoked_add(struct revoked *r, const char *id, int64_t now_ms, bool *ret_new);
bool revoked_has(const struct revoked *r, const char *id, int64_t now_ms);
/* Forgets those whose time is over; returns how many are left. */
size_t revoked_purge(struct revoked *r, int64_t now_ms);
/* All, oldest first, as a new list; NULL: no memory. */
json_t *revoked_list(const struct revoked *r);

#endif
