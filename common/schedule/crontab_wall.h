/* A crontab on a wall clock without a zone: its next and previous times, and their number. */
#ifndef METERBEAT_SCHEDULE_CRONTAB_WALL_H
#define METERBEAT_SCHEDULE_CRONTAB_WALL_H

#include "common/schedule/crontab.h"

/* Wall clock times are seconds as if the zone were UTC. The first time at or after wall_s, and the
 * last one at or before it. Pure. */
int64_t crontab_wall_from(const struct crontab *c, int64_t wall_s);
int64_t crontab_wall_until(const struct crontab *c, int64_t wall_s);
/* The number of times in [from_s, before_s); takes time proportional to the months in between. */
int64_t crontab_wall_count(const struct crontab *c, int64_t from_s, int64_t before_s);

#endif
