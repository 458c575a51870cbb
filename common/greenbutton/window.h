/* Decides which days of a record one parse fetches, from the record's fields and the current time.
 * Pure. */
#ifndef METERBEAT_GREENBUTTON_WINDOW_H
#define METERBEAT_GREENBUTTON_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/timezone.h"

#define WINDOW_LAST_DATE 51 /* bytes of seed_ts_parser_record.last_date: 50 characters */
#define WINDOW_VALUE 64     /* bytes of a date or timestamp in a URL, before encoding */

/* The record's fields and the settings; strings borrowed, NULL counts as "". */
struct window_source {
    const char *time_type;    /* "date" (also when empty) or "timestamp" */
    const char *date_pattern; /* see date_pattern.h */
    const char *last_date;    /* first local day not fetched yet; empty: nothing fetched yet */
    int64_t last_ts; /* the same in epoch seconds, for "timestamp"; 0: nothing fetched yet */
    /* false: the record has no date parameters, so the feed is always complete */
    bool asks_for_dates;
    int64_t window_days, overlap_days, history_days;
};

/* Half-open span [from_s, to_s) of whole local days. */
struct window {
    bool nothing; /* everything up to and including yesterday has been fetched: request nothing */
    bool moves;   /* success advances last_date and last_ts; false for a window requested by name */
    bool behind;  /* another window follows immediately */
    bool reaches_now; /* to_s is the start of today */
    int64_t from_s, to_s;
    char min[WINDOW_VALUE], max[WINDOW_VALUE]; /* the values of the two date parameters */
    char next_last_date[WINDOW_LAST_DATE];     /* last_date and last_ts to store after success */
    int64_t next_last_ts;
};

/* The record's next window. False: ERR_REJECT "bad_time_type", "bad_date_pattern", "bad_date",
 * "bad_last_ts"; the text names the field. */
MUST_CHECK bool window_next(const struct window_source *r, const struct timezone_rules *zone,
                            int64_t now_s, struct window *ret_window, struct err *e);
/* A window requested by name: the local days that contain [from_s, to_s), up to yesterday. Advances
 * nothing. Also ERR_REJECT "bad_window". */
MUST_CHECK bool window_named(const struct window_source *r, const struct timezone_rules *zone,
                             int64_t now_s, int64_t from_s, int64_t to_s, struct window *ret_window,
                             struct err *e);

#endif
