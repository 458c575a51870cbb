/* The time zone rules by which days and ticks are cut: those of the latest tzdata that any program
 * has had, stored so that machines with different rules are noticed. */
#ifndef METERBEAT_STORE_ZONE_RULES_H
#define METERBEAT_STORE_ZONE_RULES_H

#include "common/base/clock.h"
#include "common/base/tzdata.h"
#include "common/store/pg.h"

#define ZONE_DIFFERENCES_MAX 64

struct zone_difference {
    char zone[64];
    char since[CLOCK_TEXT];    /* the first instant at which the clocks differ, UTC; "unknown" */
    char here[TZDATA_VERSION]; /* this machine's; "unknown"; "none": it lacks the zone */
    char kept[TZDATA_VERSION]; /* of the stored rules, until now; "unknown" */
    char by[256];              /* the machine that stored them */
    bool is_replaced;          /* ours is later, and has been stored */
    int64_t days;              /* stored by the former rules from then on; for a replaced one */
};

/*
 * Compares this machine's rules of every zone in use (settings, schedule, series and records) with
 * those stored. keep: adds missing ones, and replaces those of an earlier tzdata; otherwise nothing
 * is written. At most ZONE_DIFFERENCES_MAX are reported. *ret_zones (may be NULL): the number
 * compared. False: those of pg_query.
 */
MUST_CHECK bool zone_rules_compare(struct pg *p, const struct settings *s, const char *host,
                                   bool keep, struct zone_difference *ret_differences,
                                   size_t *ret_count, size_t *ret_zones, struct err *e);
/* As a log line. */
#define ZONE_DIFFERENCE_PAIRS "zone=%s since=%s here=%s kept=%s by=%s days=%lld"
#define ZONE_DIFFERENCE_VALUES(d)                                                                  \
    (d).zone, (d).since, (d).here, (d).kept, (d).by, (long long)(d).days

#endif
