/* Decodes a feed's LocalTimeParameters, recognises common defects, and finds the IANA zone that
 * matches. */
#ifndef METERBEAT_ESPI_LOCAL_TIME_H
#define METERBEAT_ESPI_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/zones.h"

/* One clock change (32 bits in ESPI). The hour is on the clock before the change. */
struct local_change {
    enum local_change_kind {
        LOCAL_NO_CHANGE,  /* FFFFFFFF, or nothing */
        LOCAL_BY_RULE,    /* every year, by the fields below */
        LOCAL_AT_INSTANT, /* defective: the epoch seconds of one year's change */
        LOCAL_UNREADABLE,
    } kind;
    int month, operation, day, weekday; /* operation 0: on `day`; 1: the first `weekday` from `day`
                                           on; 2-6: the 1st-5th `weekday`; 7: the last. Monday 1 */
    int hour;                           /* -1: missing (cut off) */
    int64_t instant_s;
};

struct local_time {
    /* ESPI_ABSENT if not given; in seconds, even if the feed has hours, minutes or milliseconds
     * ("tz_offset_unit") */
    int64_t offset_s;
    int64_t dst_offset_s;           /* likewise; an hour if the feed's value is implausible */
    struct local_change start, end; /* of daylight saving time; the right way round */
    /*
     * NULL, or the first defect of: "dst_rule_cut_off" (two bytes), "dst_rule_unix_time",
     * "dst_rule_seconds" (a counter in place of the seconds), "dst_rule_unreadable",
     * "tz_offset_sign" (North America's rules east of Greenwich), "tz_offset_unit", "tz_offset_odd"
     * (no zone is that far from UTC, or none with these rules), "dst_rules_swapped",
     * "dst_rule_missing" (one of the two), "dst_rules_equal", "dst_offset_odd" (none of 0, half an
     * hour, one hour, two hours), "dst_rule_foreign" (Europe's rules in America)
     */
    const char *odd;
};

/* The rules are as the feed writes them, or NULL. Pure. */
struct local_time local_time_read(int64_t offset_s, int64_t dst_offset_s, const char *start_rule,
                                  const char *end_rule);
/* The instant at which daylight saving time begins or ends in `year`, by a LOCAL_BY_RULE. Pure. */
int64_t local_time_change(const struct local_time *t, bool is_start, int year);
/*
 * The IANA zone that has these rules today; the ledger and sums use it. NULL: there are no rules,
 * they cannot be trusted (tz_offset_sign, tz_offset_odd, dst_rule_unreadable, dst_rule_missing,
 * dst_rules_equal), or no zone of the list has them.
 */
const char *local_time_zone(const struct local_time *t, struct zones *zones);

#endif
