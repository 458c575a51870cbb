/* Local time by IANA zone: months, days and wall-clock instants, right across DST changes. */
#ifndef METERBEAT_BASE_TIMEZONE_H
#define METERBEAT_BASE_TIMEZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct timezone_rules; /* immutable; any thread */

struct civil {
    int year, month,
        day; /* month 1-12, day 1-31; normalised on input (month 13 = January next year) */
    int hour, minute, second;
};

/* Loads an IANA zone from the system's tzdata. False: ERR_FATAL "no_timezone". Free with
 * timezone_free. */
MUST_CHECK bool timezone_load(const char *name, struct timezone_rules **ret_zone, struct err *e);
void timezone_free(struct timezone_rules *zone);
const char *timezone_name(const struct timezone_rules *zone);
/* Wall clock in the zone at an instant (seconds since the epoch). */
struct civil timezone_civil(const struct timezone_rules *zone, int64_t utc_s);
/* The instant of a wall clock: the first of two when repeated; in a gap, the instant right after
 * the gap. */
int64_t timezone_instant(const struct timezone_rules *zone, struct civil local);
/* Seconds east of UTC at an instant. */
int timezone_offset(const struct timezone_rules *zone, int64_t utc_s);

/* Instants [start_s, end_s) between two changes of the zone's clocks, offset_s east of UTC. */
struct timezone_stretch {
    int64_t start_s, end_s;
    int offset_s;
};
/*
 * The stretch that holds utc_s, an instant from the years 1 to 9999. The first one starts and the
 * last one ends centuries outside of them, so that sums do not overflow; after the year 2400 a
 * stretch may also end where no clock changes. Pure, any thread.
 */
struct timezone_stretch timezone_stretch(const struct timezone_rules *zone, int64_t utc_s);
/*
 * Start of the local day or month that holds utc_s, moved by n days or months. Days have no gaps
 * and do not overlap: each begins at its first midnight (right after a gap that holds it), and an
 * evening that clocks going back over midnight show again belongs to the day begun before. A day
 * that the zone left out begins where the next one does.
 */
int64_t timezone_day_start(const struct timezone_rules *zone, int64_t utc_s, int n);
int64_t timezone_month_start(const struct timezone_rules *zone, int64_t utc_s, int n);
/* Days since 1970-01-01 of a civil date (proleptic Gregorian), and back. Pure arithmetic. */
int64_t civil_days(int year, int month, int day);
struct civil civil_from_days(int64_t days);

#endif
