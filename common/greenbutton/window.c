/* Which days of a record one parse asks for: pure, from what the record says and what day it is. */
#include "common/greenbutton/window.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/greenbutton/date_pattern.h"

/* Seconds of the year 5138; what is larger was written in milliseconds. */
#define WINDOW_MAX_S INT64_C(100000000000)

enum window_time { WINDOW_BY_DATE, WINDOW_BY_TIMESTAMP };

static bool window_time_type(const char *text, enum window_time *ret_time, struct err *e)
{
    if (!text || !*text || strcmp(text, "date") == 0)
        *ret_time = WINDOW_BY_DATE;
    else if (strcmp(text, "timestamp") == 0)
        *ret_time = WINDOW_BY_TIMESTAMP;
    else
        return err_set(e, ERR_REJECT, "bad_time_type",
                       "time_type: \"%.50s\" is neither date nor timestamp", text);
    return true;
}

static bool window_is_number(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= 18 && strspn(text, "0123456789") == n;
}

/* The seed's first tasks kept the timestamp in last_date: read it there when last_ts has none. */
static bool window_last_ts(const struct window_source *r, int64_t *ret_last, struct err *e)
{
    int64_t last = r->last_ts;
    if (last == 0 && r->last_date && *r->last_date) {
        if (!window_is_number(r->last_date))
            return err_set(e, ERR_REJECT, "bad_date",
                           "last_date: \"%.50s\" is no timestamp, and time_type is timestamp",
                           r->last_date);
        last = strtoll(r->last_date, NULL, 10);
    }
    if (last < 0 || last > WINDOW_MAX_S)
        return err_set(e, ERR_REJECT, "bad_last_ts", "last_ts: %" PRId64 " is not in epoch seconds",
                       last);
    *ret_last = last;
    return true;
}

/* Start of the first local day not fetched yet, 0 when nothing ever was. */
static bool window_first_missing(const struct window_source *r, const struct date_pattern *pattern,
                                 enum window_time time, const struct timezone_rules *zone,
                                 int64_t *ret_first, struct err *e)
{
    *ret_first = 0;
    if (time == WINDOW_BY_TIMESTAMP) {
        int64_t last = 0;
        if (!window_last_ts(r, &last, e))
            return false;
        if (last)
            *ret_first = timezone_day_start(zone, last, 0);
        return true;
    }
    if (!r->last_date || !*r->last_date)
        return true;
    struct civil day;
    if (!date_pattern_read(pattern, r->last_date, &day, e))
        return err_wrap(e, "last_date");
    *ret_first = timezone_instant(zone, day);
    return true;
}

static bool window_value(const struct date_pattern *pattern, enum window_time time,
                         const struct timezone_rules *zone, int64_t at_s, char out[WINDOW_VALUE],
                         struct err *e)
{
    if (time == WINDOW_BY_DATE)
        return date_pattern_write(pattern, timezone_civil(zone, at_s), out, WINDOW_VALUE, e);
    snprintf(out, WINDOW_VALUE, "%" PRId64, at_s);
    return true;
}

/* Both parameters are inclusive in the seed's syntax: the last second of the window is the maximum.
 */
static bool window_describe(const struct window_source *r, const struct timezone_rules *zone,
                            const struct date_pattern *pattern, enum window_time time,
                            struct window *w, struct err *e)
{
    (void)r;
    if (!window_value(pattern, time, zone, w->from_s, w->min, e) ||
        !window_value(pattern, time, zone, w->to_s - 1, w->max, e))
        return false;
    w->next_last_ts = w->to_s;
    if (time == WINDOW_BY_DATE)
        return date_pattern_write(pattern, timezone_civil(zone, w->to_s), w->next_last_date,
                                  sizeof w->next_last_date, e);
    snprintf(w->next_last_date, sizeof w->next_last_date, "%s", r->last_date ? r->last_date : "");
    return true;
}

bool window_next(const struct window_source *r, const struct timezone_rules *zone, int64_t now_s,
                 struct window *ret_window, struct err *e)
{
    enum window_time time = WINDOW_BY_DATE;
    struct date_pattern pattern;
    int64_t first = 0;
    if (!window_time_type(r->time_type, &time, e) ||
        !date_pattern_compile(r->date_pattern, &pattern, e) ||
        !window_first_missing(r, &pattern, time, zone, &first, e))
        return false;
    int64_t today = timezone_day_start(zone, now_s, 0);
    struct window w = {.moves = true, .to_s = today, .reaches_now = true};
    if (first >= today) {
        w.nothing = true;
        *ret_window = w;
        return true;
    }
    int64_t start = first ? first : timezone_day_start(zone, today, -(int)r->history_days);
    w.from_s = first ? timezone_day_start(zone, start, -(int)r->overlap_days) : start;
    if (!r->asks_for_dates) {
        w.from_s = 0; /* the feed comes whole, so the whole of it is taken */
    } else {
        int64_t end = timezone_day_start(zone, start, (int)r->window_days);
        w.behind = end < today;
        if (w.behind) {
            w.to_s = end;
            w.reaches_now = false;
        }
    }
    if (!window_describe(r, zone, &pattern, time, &w, e))
        return false;
    *ret_window = w;
    return true;
}

bool window_named(const struct window_source *r, const struct timezone_rules *zone, int64_t now_s,
                  int64_t from_s, int64_t to_s, struct window *ret_window, struct err *e)
{
    enum window_time time = WINDOW_BY_DATE;
    struct date_pattern pattern;
    if (!window_time_type(r->time_type, &time, e) ||
        !date_pattern_compile(r->date_pattern, &pattern, e))
        return false;
    if (from_s < 0 || to_s > WINDOW_MAX_S || from_s >= to_s)
        return err_set(e, ERR_REJECT, "bad_window",
                       "from %" PRId64 " to %" PRId64 " is no span of epoch seconds", from_s, to_s);
    int64_t today = timezone_day_start(zone, now_s, 0);
    int64_t end = timezone_day_start(zone, to_s - 1, 1);
    struct window w = {.from_s = timezone_day_start(zone, from_s, 0),
                       .to_s = end < today ? end : today,
                       .reaches_now = end >= today};
    w.nothing = w.from_s >= w.to_s;
    if (!w.nothing && !window_describe(r, zone, &pattern, time, &w, e))
        return false;
    *ret_window = w;
    return true;
}
