/* The resource cache: resources from a custodian's answers that later answers only refer to
 * (reading types and the like), by href. */
#ifndef METERBEAT_STORE_RESOURCE_H
#define METERBEAT_STORE_RESOURCE_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/store/pg.h"

#define RESOURCE_HREFS_MAX 5000
#define RESOURCE_FOUND_MAX 500

/* list: objects with "kind", "self", "up" and "entry". The latest version replaces earlier ones.
 * Errors as pg_query; ERR_RETRY "no_memory". */
MUST_CHECK bool resource_keep(struct pg *p, int64_t custodian_id, const json_t *list,
                              struct err *e);
/* Resources whose self is one of hrefs (a JSON list of texts), and reading types whose up is: at
 * most RESOURCE_FOUND_MAX rows of kind, self, entry. NULL: as above. */
MUST_CHECK PGresult *resource_find(struct pg *p, int64_t custodian_id, const json_t *hrefs,
                                   struct err *e);

#endif
