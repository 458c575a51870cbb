/* The zones of months and days: the configured one, and those of records and feeds. */
#ifndef METERBEAT_WORKER_TASK_LOCAL_ZONE_H
#define METERBEAT_WORKER_TASK_LOCAL_ZONE_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/zones.h"
#include "common/config/settings.h"

/* settings.local_timezone. Borrowed for the process's life; the executor's thread only. False:
 * ERR_FATAL "no_timezone". */
MUST_CHECK bool local_zone(const struct settings *s, const struct timezone_rules **ret_zone,
                           struct err *e);
/* The zone of that name, "" for settings.local_timezone; likewise. False: ERR_REJECT "no_timezone":
 * a record or series names a zone this machine lacks. */
MUST_CHECK bool local_zone_named(const struct settings *s, const char *name,
                                 const struct timezone_rules **ret_zone, struct err *e);
/* All that are loaded, to look further ones up. */
struct zones *local_zones(void);

#endif
