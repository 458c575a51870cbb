/* Celery's crontabs ("0 4 * * mon-fri") as sets of numbers, and their due times on the clock of a
 * zone. */
#ifndef METERBEAT_SCHEDULE_CRONTAB_H
#define METERBEAT_SCHEDULE_CRONTAB_H

#include "common/base/err.h"
#include "common/base/timezone.h"
#include "common/schedule/interval.h"

/* Bit n of a set stands for the number n. A crontab fires on days that are in days, months and
 * weekdays. */
struct crontab {
    uint64_t minutes;  /* 0-59 */
    uint32_t hours;    /* 0-23 */
    uint32_t days;     /* of the month, 1-31 */
    uint32_t months;   /* 1-12 */
    uint32_t weekdays; /* 0-6, Sunday is 0 */
    /* minute or hour is written with a star: fires in both passes of a repeated hour */
    bool runs_through;
};

/* Bytes of a crontab's text; enough for all sets written out as lists of numbers. */
#define CRONTAB_TEXT 500

/*
 * "minute hour day-of-month month day-of-week", separated by blanks or tabs; docs/schedule.md has
 * the grammar. False: ERR_FATAL "bad_crontab", the text names the column; *ret_crontab is then
 * unchanged. Pure.
 */
MUST_CHECK bool crontab_parse(const char *text, struct crontab *ret_crontab, struct err *e);
/*
 * As in interval.h, in epoch seconds. A wall clock time in a gap of the zone is due at the instant
 * after the gap, several of them once. In a repeated hour it is due in the first pass, or in both
 * if the crontab runs through. INTERVAL_NEVER after the year 9000. The search is bounded: a parsed
 * crontab fires at least once in 40 years. Pure, any thread.
 */
int64_t crontab_next_after(const struct crontab *c, const struct timezone_rules *zone,
                           int64_t utc_s);
int64_t crontab_latest_at(const struct crontab *c, const struct timezone_rules *zone,
                          int64_t utc_s);
int64_t crontab_count(const struct crontab *c, const struct timezone_rules *zone, int64_t after_s,
                      int64_t until_s);

#endif
