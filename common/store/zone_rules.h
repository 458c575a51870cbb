/* Which rules of local time days and ticks are cut by: those of the latest tzdata that any program
 * came with, kept beside the books, so that machines that differ do not do so in silence. */
#ifndef METERBEAT_STORE_ZONE_RULES_H
#define METERBEAT_STORE_ZONE_RULES_H

#include "common/base/clock.h"
#include "common/base/tzdata.h"
#include "common/store/pg.h"

#define ZONE_DIFFERENCES_MAX 64

struct zone_difference {
    char zone[64];
    char since[CLOCK_TEXT];    /* the first instant at which the clocks differ, UTC; "unknown" */
    char here[TZDATA_VERSION]; /* this machine's; "unknown"; "none": it has no such zone */
    char kept[TZDATA_VERSION]; /* what is kept, or was until now; "unknown" */
    char by[256];              /* the machine that it is from */
    bool is_replaced;          /* ours is later, and is kept from now on */
    int64_t days;              /* booked by the other rules from then on; of a replaced one */
};

/*
 * Compares this machine's rules of every zone in use (settings, schedule, series and records) with
 * those kept. keep: what is not there is added, and what is of an earlier tzdata replaced; else
 * nothing is written. At most ZONE_DIFFERENCES_MAX are told. *ret_zones (may be NULL): how many
 * were compared. False: those of pg_query.
 */
MUST_CHECK bool zone_rules_compare(struct pg *p, const struct settings *s, const char *host,
                                   bool keep, struct zone_difference *ret_differences,
                                   size_t *ret_count, size_t *ret_zones, struct err *e);
/* For a line of the log. */
#define ZONE_DIFFERENCE_PAIRS "zone=%s since=%s here=%s kept=%s by=%s days=%lld"
#define ZONE_DIFFERENCE_VALUES(d)                                                                  \
    (d).zone, (d).since, (d).here, (d).kept, (d).by, (long long)(d).days

#endif
