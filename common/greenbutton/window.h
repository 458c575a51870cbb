/* Which days of a record one parse asks for: pure, from what the record says and what day it is. */
#ifndef METERBEAT_GREENBUTTON_WINDOW_H
#define METERBEAT_GREENBUTTON_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/timezone.h"

#define WINDOW_LAST_DATE 51 /* seed_ts_parser_record.last_date: 50 characters */
#define WINDOW_VALUE 64     /* a date or a timestamp as it stands in a URL, not yet encoded */

/* What a record and the configuration say; strings borrowed, NULL counts as "". */
struct window_source {
    const char *time_type;    /* "date" (also when empty) or "timestamp" */
    const char *date_pattern; /* see date_pattern.h */
    const char *last_date;    /* first local day not fetched yet; empty: never fetched */
    int64_t last_ts;          /* the same as epoch seconds, for "timestamp"; 0: never fetched */
    bool asks_for_dates; /* false: the record has no date parameters, the feed is always whole */
    int64_t window_days, overlap_days, history_days;
};

/* Half-open span [from_s, to_s) of whole local days. */
struct window {
    bool nothing;     /* all up to and including yesterday is there: ask for nothing */
    bool moves;       /* success moves last_date and last_ts; false for a span asked for by name */
    bool behind;      /* another window follows at once */
    bool reaches_now; /* to_s is the start of today */
    int64_t from_s, to_s;
    char min[WINDOW_VALUE], max[WINDOW_VALUE]; /* values of the two date parameters */
    char next_last_date[WINDOW_LAST_DATE];     /* last_date and last_ts after success */
    int64_t next_last_ts;
};

/* The record's next window. False: ERR_REJECT "bad_time_type", "bad_date_pattern", "bad_date",
 * "bad_last_ts", each naming its field. */
MUST_CHECK bool window_next(const struct window_source *r, const struct timezone_rules *zone,
                            int64_t now_s, struct window *ret_window, struct err *e);
/* The local days that hold [from_s, to_s), up to yesterday; moves nothing. Also ERR_REJECT
 * "bad_window". */
MUST_CHECK bool window_named(const struct window_source *r, const struct timezone_rules *zone,
                             int64_t now_s, int64_t from_s, int64_t to_s, struct window *ret_window,
                             struct err *e);

#endif
