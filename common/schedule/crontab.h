/* "0 4 * * mon-fri": Celery's crontab as sets of numbers, and its due times by a zone's clock. */
#ifndef METERBEAT_SCHEDULE_CRONTAB_H
#define METERBEAT_SCHEDULE_CRONTAB_H

#include "common/base/err.h"
#include "common/base/timezone.h"
#include "common/schedule/interval.h"

/* Bit n of a set stands for the number n. A day fires that is in days, months and weekdays. */
struct crontab {
    uint64_t minutes;  /* 0-59 */
    uint32_t hours;    /* 0-23 */
    uint32_t days;     /* of the month, 1-31 */
    uint32_t months;   /* 1-12 */
    uint32_t weekdays; /* 0-6, Sunday is 0 */
    bool runs_through; /* minute or hour is written with a star: fires in both passes of a repeated
                          hour */
};

/* Bytes of a crontab; all sets written out as lists of numbers fit. */
#define CRONTAB_TEXT 500

/*
 * "minute hour day-of-month month day-of-week", blanks or tabs between them; the grammar is in
 * docs/schedule.md. False: ERR_FATAL "bad_crontab", the text names the column. *ret_crontab is then
 * left alone. Pure.
 */
MUST_CHECK bool crontab_parse(const char *text, struct crontab *ret_crontab, struct err *e);
/*
 * As in interval.h, seconds since the epoch. A wall clock in a gap of the zone is due at the
 * instant after the gap, several of them once; in a repeated hour in its first pass, and when the
 * crontab runs through it in both. INTERVAL_NEVER after the year 9000. The walks are bounded: no
 * crontab that was parsed is silent for more than 40 years. Pure, any thread.
 */
int64_t crontab_next_after(const struct crontab *c, const struct timezone_rules *zone,
                           int64_t utc_s);
int64_t crontab_latest_at(const struct crontab *c, const struct timezone_rules *zone,
                          int64_t utc_s);
int64_t crontab_count(const struct crontab *c, const struct timezone_rules *zone, int64_t after_s,
                      int64_t until_s);

#endif
