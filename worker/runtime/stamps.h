/* Stamps that revoke whatever carries them: {header: [stamp, ...]}. Pure; no locks. */
#ifndef METERBEAT_WORKER_RUNTIME_STAMPS_H
#define METERBEAT_WORKER_RUNTIME_STAMPS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/attr.h"

/* Headers, and stamps of one header. */
#define STAMPS_MAX 1000

/* Each value of `more` is a stamp or a list of them; objects and lists are no stamps. False: more
 * than STAMPS_MAX, or no memory; what fitted stays. */
MUST_CHECK bool stamps_add(json_t *revoked, const json_t *more);
/* Headers of a message, an object or NULL: has one of its stamped_headers a revoked stamp? */
bool stamps_match(const json_t *revoked, const json_t *headers);
/* The stamps of `value`, one or a list, that are also in `wanted`, one or a list; new, NULL: none.
 */
json_t *stamps_common(const json_t *value, const json_t *wanted);

#endif
