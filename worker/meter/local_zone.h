/* The zone of months and days, loaded once a process: its table costs more than a small parse. */
#ifndef METERBEAT_WORKER_METER_LOCAL_ZONE_H
#define METERBEAT_WORKER_METER_LOCAL_ZONE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/timezone.h"
#include "config/settings.h"

/* settings.local_timezone. Borrowed for the process's life; the executor's thread only. False:
 * ERR_FATAL "no_timezone". */
MUST_CHECK bool local_zone(const struct settings *s, const struct timezone_rules **ret_zone,
                           struct err *e);

#endif
