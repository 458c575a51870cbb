/* Intervals such as "every 5 minutes" or "every month": due times on a fixed grid that never
 * drifts. */
#ifndef METERBEAT_SCHEDULE_INTERVAL_H
#define METERBEAT_SCHEDULE_INTERVAL_H

#include "common/base/err.h"
#include "common/base/timezone.h"

/* INTERVAL_SECONDS is elapsed time: 86400 of them are not a day of 25 hours. Days and months follow
 * the calendar of a zone; weeks are stored as days, years as months. */
enum interval_unit { INTERVAL_SECONDS, INTERVAL_DAYS, INTERVAL_MONTHS };

struct interval {
    enum interval_unit unit;
    int64_t count; /* at least 1; distance of the grid points in units */
    bool at_epoch; /* seconds since the epoch, in any zone: anchor is unused */
    /* wall clock time of one grid point; the grid extends from there in both directions */
    struct civil anchor;
};

/* Returned when there is no due time in the years 1970 to 9000. */
#define INTERVAL_NEVER INT64_MAX

/*
 * Parses "2s" "5m" "3h" "1d" "1w" "1mo" "1y": a whole number of at least 1 and a unit; 100 years at
 * most. anchor: local "2026-01-31", "2026-01-31T06:30" or "2026-01-31T06:30:00"; NULL or "" for the
 * default: the epoch for s, m and h, midnight for d, Monday for w, the first of the month for mo,
 * January for y. False: ERR_FATAL "bad_interval" or "bad_anchor", the text names the column. Pure.
 */
MUST_CHECK bool interval_parse(const char *every, const char *anchor, struct interval *ret_interval,
                               struct err *e);
/* Parses "30s" "5m" "12h" "1d" "2w" as elapsed seconds; a day has 86400. Months and years are
 * rejected with ERR_FATAL "bad_interval". Pure. */
MUST_CHECK bool interval_seconds(const char *text, int64_t *ret_seconds, struct err *e);
/*
 * Due times in epoch seconds: the first after utc_s, and the last at or before it. A calendar due
 * time in a gap of the zone is the instant after the gap; in a repeated hour, its first pass; a day
 * that the month does not have is its last day. Pure, any thread.
 */
int64_t interval_next_after(const struct interval *i, const struct timezone_rules *zone,
                            int64_t utc_s);
int64_t interval_latest_at(const struct interval *i, const struct timezone_rules *zone,
                           int64_t utc_s);
/* The number of grid points after after_s and not after until_s; 0 if until_s is earlier. */
int64_t interval_count(const struct interval *i, const struct timezone_rules *zone, int64_t after_s,
                       int64_t until_s);

#endif
