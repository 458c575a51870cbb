/* "every 5 minutes", "every month": due times on a fixed grid, so that they never drift. */
#ifndef METERBEAT_SCHEDULE_INTERVAL_H
#define METERBEAT_SCHEDULE_INTERVAL_H

#include "common/base/err.h"
#include "common/base/timezone.h"

/*
 * Seconds are elapsed time: INTERVAL_SECONDS 86400 is no day of 25 hours. Days and months go by the
 * calendar of a zone; weeks are days, years are months.
 */
enum interval_unit { INTERVAL_SECONDS, INTERVAL_DAYS, INTERVAL_MONTHS };

struct interval {
    enum interval_unit unit;
    int64_t count;       /* at least 1; a grid point each so many units */
    bool at_epoch;       /* seconds from the epoch, wherever the zone is: anchor is not used */
    struct civil anchor; /* wall clock of one grid point; the grid goes on both ways from it */
};

/* Returned when there is no due time in the years 1970 to 9000. */
#define INTERVAL_NEVER INT64_MAX

/*
 * "2s" "5m" "3h" "1d" "1w" "1mo" "1y": a whole number from 1 and a unit, nothing else; 100 years at
 * most. anchor: local "2026-01-31", "2026-01-31T06:30" or "2026-01-31T06:30:00"; NULL or "" for the
 * natural one: the epoch for s, m and h, midnight for d, Monday for w, the first for mo, January
 * for y. False: ERR_FATAL "bad_interval" or "bad_anchor", the text names the column. Pure.
 */
MUST_CHECK bool interval_parse(const char *every, const char *anchor, struct interval *ret_interval,
                               struct err *e);
/* "30s" "5m" "12h" "1d" "2w" as elapsed seconds, a day has 86400; months and years are refused with
 * ERR_FATAL "bad_interval". Pure. */
MUST_CHECK bool interval_seconds(const char *text, int64_t *ret_seconds, struct err *e);
/*
 * Due times, seconds since the epoch: the first after utc_s, and the last at or before it. A
 * calendar due time in a gap of the zone is the instant after the gap, in a repeated hour its first
 * pass; a day that the month does not have is the month's last. Pure, any thread.
 */
int64_t interval_next_after(const struct interval *i, const struct timezone_rules *zone,
                            int64_t utc_s);
int64_t interval_latest_at(const struct interval *i, const struct timezone_rules *zone,
                           int64_t utc_s);
/* How many grid points are after after_s and not after until_s; 0 when until_s is earlier. */
int64_t interval_count(const struct interval *i, const struct timezone_rules *zone, int64_t after_s,
                       int64_t until_s);

#endif
