/* How an entry recurs: by an interval or a crontab, in its zone. */
#ifndef METERBEAT_SCHEDULE_RECURRENCE_H
#define METERBEAT_SCHEDULE_RECURRENCE_H

#include "common/config/settings.h"
#include "common/schedule/crontab.h"
#include "common/schedule/interval.h"

enum recurrence_kind { RECURRENCE_INTERVAL, RECURRENCE_CRONTAB };

struct recurrence {
    enum recurrence_kind kind;
    struct interval interval;
    struct crontab crontab;
};

#define RECURRENCE_DEFINITION 640

/* Parses an entry's every and anchor, or its crontab. False: ERR_FATAL "bad_interval",
 * "bad_anchor", "bad_crontab"; "bad_schedule" if it has neither or both. Pure. */
MUST_CHECK bool recurrence_parse(const struct settings_entry *from, struct recurrence *ret,
                                 struct err *e);
/* The fields that decide the due times, as one line; when it changes, the entry starts afresh. */
void recurrence_define(const struct settings_entry *from, const struct timezone_rules *zone,
                       char text[RECURRENCE_DEFINITION]);
/* As in interval.h. Pure, any thread. */
int64_t recurrence_next_after(const struct recurrence *r, const struct timezone_rules *zone,
                              int64_t utc_s);
int64_t recurrence_latest_at(const struct recurrence *r, const struct timezone_rules *zone,
                             int64_t utc_s);
int64_t recurrence_count(const struct recurrence *r, const struct timezone_rules *zone,
                         int64_t after_s, int64_t until_s);

#endif
