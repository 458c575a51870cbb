/* A feed's LocalTimeParameters: the rules decoded, the known kinds of broken ones told, and the
 * IANA zone that keeps them. */
#ifndef METERBEAT_ESPI_LOCAL_TIME_H
#define METERBEAT_ESPI_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/zones.h"

/* One change of the clocks (ESPI's 32 bits). The hour is that of the clock before the change. */
struct local_change {
    enum local_change_kind {
        LOCAL_NO_CHANGE,  /* FFFFFFFF, or nothing */
        LOCAL_BY_RULE,    /* every year, by the fields below */
        LOCAL_AT_INSTANT, /* broken: the epoch seconds of one year's change */
        LOCAL_UNREADABLE,
    } kind;
    int month, operation, day, weekday; /* operation 0: on `day`; 1: the first `weekday` from `day`
                                           on; 2-6: the 1st-5th `weekday`; 7: the last. Monday 1 */
    int hour;                           /* -1: cut off */
    int64_t instant_s;
};

struct local_time {
    int64_t offset_s;     /* ESPI_ABSENT where the feed has none; seconds, also where the feed wrote
                             hours, minutes or milliseconds ("tz_offset_unit") */
    int64_t dst_offset_s; /* likewise; an hour where what the feed says is no summer time's */
    struct local_change start, end; /* of summer time; the right way round */
    const char *odd;                /* NULL, or what is wrong, the first of:
                 "dst_rule_cut_off" (two bytes), "dst_rule_unix_time", "dst_rule_seconds" (a counter where
                 seconds belong), "dst_rule_unreadable", "tz_offset_sign" (rules of North America
                 east of Greenwich), "tz_offset_unit", "tz_offset_odd" (no clock is so far from
                 UTC, or none with these rules), "dst_rules_swapped", "dst_rule_missing" (one of
                 the two), "dst_rules_equal", "dst_offset_odd" (neither 0, half an hour, one nor
                 two), "dst_rule_foreign" (Europe's rules in America) */
};

/* Rules as the feed writes them, or NULL. Pure. */
struct local_time local_time_read(int64_t offset_s, int64_t dst_offset_s, const char *start_rule,
                                  const char *end_rule);
/* The summer time of `year` begins or ends at this instant by a LOCAL_BY_RULE; pure. */
int64_t local_time_change(const struct local_time *t, bool is_start, int year);
/*
 * A zone of IANA's that keeps these rules now: books and sums go by those. NULL: there are no
 * rules, they cannot be trusted (tz_offset_sign, tz_offset_odd, dst_rule_unreadable,
 * dst_rule_missing, dst_rules_equal), or no zone on our list keeps them.
 */
const char *local_time_zone(const struct local_time *t, struct zones *zones);

#endif
