/* Local time by IANA zone: months, days and wall clock times, correct across daylight saving
 * changes. */
#ifndef METERBEAT_BASE_TIMEZONE_H
#define METERBEAT_BASE_TIMEZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct timezone_rules; /* immutable; any thread */

struct civil {
    int year, month,
        day; /* month 1-12, day 1-31; normalised on input (month 13 = January of the next year) */
    int hour, minute, second;
};

/* Loads an IANA zone from the system's tzdata. False: ERR_FATAL "no_timezone"; ERR_RETRY
 * "timezone_unread": it is there and cannot be read now. Free with timezone_free. */
MUST_CHECK bool timezone_load(const char *name, struct timezone_rules **ret_zone, struct err *e);
void timezone_free(struct timezone_rules *zone);
const char *timezone_name(const struct timezone_rules *zone);
/* The wall clock time in the zone at an instant (seconds since the epoch). */
struct civil timezone_civil(const struct timezone_rules *zone, int64_t utc_s);
/* The instant of a wall clock time: the first of two if it is repeated; in a gap, the instant after
 * the gap. */
int64_t timezone_instant(const struct timezone_rules *zone, struct civil local);
/* Seconds east of UTC at an instant. */
int timezone_offset(const struct timezone_rules *zone, int64_t utc_s);

/* A period [start_s, end_s) between two clock changes of the zone, offset_s east of UTC. */
struct timezone_stretch {
    int64_t start_s, end_s;
    int offset_s;
};
/*
 * The period that contains utc_s, an instant in the years 1 to 9999. The first one starts and the
 * last one ends centuries outside these years, so that sums do not overflow; after the year 2400 a
 * period may also end where no clock changes. Pure, any thread.
 */
struct timezone_stretch timezone_stretch(const struct timezone_rules *zone, int64_t utc_s);
/*
 * The start of the local day or month that contains utc_s, moved by n days or months. Days have no
 * gaps and do not overlap: each begins at its first midnight (or after a gap that contains it). An
 * evening that is repeated because clocks are set back across midnight belongs to the day that had
 * begun. A day that the zone skipped begins where the next one does.
 */
int64_t timezone_day_start(const struct timezone_rules *zone, int64_t utc_s, int n);
int64_t timezone_month_start(const struct timezone_rules *zone, int64_t utc_s, int n);
/* Days since 1970-01-01 of a civil date (proleptic Gregorian), and back. Pure. */
int64_t civil_days(int year, int month, int day);
struct civil civil_from_days(int64_t days);

#endif
