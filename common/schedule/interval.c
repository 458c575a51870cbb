/* Due times on a fixed grid: elapsed seconds from an instant, or days and months of a calendar. */
#include "common/schedule/interval.h"

#include <stdio.h>
#include <string.h>

#define EARLIEST_S INT64_C(0)
#define LATEST_S INT64_C(221845392000) /* 9000-01-01 */

/* --- "5m" --------------------------------------------------------------------------------------
 */

static const struct unit {
    const char *word;
    enum interval_unit unit;
    int64_t count; /* of that unit */
    int64_t most;  /* about 100 years */
    struct civil anchor;
} units[] = {
    {"s", INTERVAL_SECONDS, 1, 3155760000, {1970, 1, 1, 0, 0, 0}},
    {"m", INTERVAL_SECONDS, 60, 52596000, {1970, 1, 1, 0, 0, 0}},
    {"h", INTERVAL_SECONDS, 3600, 876600, {1970, 1, 1, 0, 0, 0}},
    {"d", INTERVAL_DAYS, 1, 36525, {1970, 1, 1, 0, 0, 0}},
    {"w", INTERVAL_DAYS, 7, 5217, {1970, 1, 5, 0, 0, 0}}, /* a Monday */
    {"mo", INTERVAL_MONTHS, 1, 1200, {1970, 1, 1, 0, 0, 0}},
    {"y", INTERVAL_MONTHS, 12, 100, {1970, 1, 1, 0, 0, 0}},
};

static bool bad_interval(struct err *e, const char *every, int column, const char *what)
{
    return err_set(e, ERR_FATAL, "bad_interval", "interval \"%.40s\", column %d: %s", every, column,
                   what);
}

static const struct unit *unit_find(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].word, word) == 0)
            return &units[i];
    return NULL;
}

/* On success *ret_unit is the table's row and *ret_number what stood before it. */
static bool parse_every(const char *every, const struct unit **ret_unit, int64_t *ret_number,
                        struct err *e)
{
    int64_t number = 0;
    int digits = 0;
    for (; every[digits] >= '0' && every[digits] <= '9' && digits <= 10; digits++)
        number = number * 10 + (every[digits] - '0');
    if (digits == 0)
        return bad_interval(e, every, 1, "a whole number is missing, as in \"5m\"");
    const struct unit *unit = unit_find(every + digits);
    if (digits <= 10 && !unit)
        return bad_interval(e, every, digits + 1, "the unit is one of s, m, h, d, w, mo, y");
    if (number == 0)
        return bad_interval(e, every, 1, "must be at least 1");
    if (digits > 10 || number > unit->most)
        return bad_interval(e, every, 1, "is longer than 100 years");
    *ret_unit = unit;
    *ret_number = number;
    return true;
}

/* --- "2026-01-31T06:30:00" ----------------------------------------------------------------------
 */

/* A field of the anchor: how many digits, what follows it, its range. */
static const struct field {
    int digits, least, most;
    const char *name;
    char before;
} fields[] = {
    {4, 1970, 2999, "the year", 0}, {2, 1, 12, "the month", '-'},  {2, 1, 31, "the day", '-'},
    {2, 0, 23, "the hour", 'T'},    {2, 0, 59, "the minute", ':'}, {2, 0, 59, "the second", ':'},
};

static bool bad_anchor(struct err *e, const char *anchor, const char *at, const char *what)
{
    return err_set(e, ERR_FATAL, "bad_anchor",
                   "anchor \"%.40s\", column %d: %s (a local time such as 2026-01-31T06:30:00)",
                   anchor, (int)(at - anchor) + 1, what);
}

/* Reads one field at *at and moves *at behind it; -1 when it is not there or out of range. */
static int take_field(const struct field *f, const char **at)
{
    const char *p = *at;
    if (f->before && *p++ != f->before)
        return -1;
    int value = 0;
    for (int i = 0; i < f->digits; i++, p++) {
        if (*p < '0' || *p > '9')
            return -1;
        value = value * 10 + (*p - '0');
    }
    if (value < f->least || value > f->most)
        return -1;
    *at = p;
    return value;
}

static bool parse_anchor(const char *anchor, struct civil *ret_anchor, struct err *e)
{
    const char *at = anchor;
    int values[ARRAY_LEN(fields)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (*at == '\0' && (i == 3 || i == 5)) /* no time of day, or no seconds */
            break;
        values[i] = take_field(&fields[i], &at);
        if (values[i] < 0) {
            char what[64];
            snprintf(what, sizeof what, "%s is missing or out of range", fields[i].name);
            return bad_anchor(e, anchor, at, what);
        }
    }
    if (*at)
        return bad_anchor(e, anchor, at, "nothing may follow");
    struct civil date = civil_from_days(civil_days(values[0], values[1], values[2]));
    if (date.month != values[1])
        return bad_anchor(e, anchor, anchor + 8, "the month has no such day");
    *ret_anchor = (struct civil){values[0], values[1], values[2], values[3], values[4], values[5]};
    return true;
}

bool interval_parse(const char *every, const char *anchor, struct interval *ret_interval,
                    struct err *e)
{
    const struct unit *unit = NULL;
    int64_t number = 0;
    if (!parse_every(every, &unit, &number, e))
        return false;
    struct civil at = unit->anchor;
    bool anchored = anchor && anchor[0];
    if (anchored && !parse_anchor(anchor, &at, e))
        return false;
    *ret_interval = (struct interval){
        .unit = unit->unit,
        .count = unit->count * number,
        .at_epoch = unit->unit == INTERVAL_SECONDS && !anchored,
        .anchor = at,
    };
    return true;
}

bool interval_seconds(const char *text, int64_t *ret_seconds, struct err *e)
{
    const struct unit *unit = NULL;
    int64_t number = 0;
    if (!parse_every(text, &unit, &number, e))
        return false;
    if (unit->unit == INTERVAL_MONTHS)
        return bad_interval(e, text, 1, "months and years have no fixed length");
    *ret_seconds = number * unit->count * (unit->unit == INTERVAL_DAYS ? 86400 : 1);
    return true;
}

/* --- the grid -----------------------------------------------------------------------------------
 */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int days_in_month(int year, int month)
{
    return (int)(civil_days(year, month + 1, 1) - civil_days(year, month, 1));
}

/* Grid point number k of a calendar interval. */
static int64_t calendar_point(const struct interval *i, const struct timezone_rules *zone,
                              int64_t k)
{
    struct civil c = i->anchor;
    if (i->unit == INTERVAL_DAYS) {
        struct civil date = civil_from_days(civil_days(c.year, c.month, c.day) + k * i->count);
        c.year = date.year;
        c.month = date.month;
        c.day = date.day;
    } else {
        int64_t month = c.month - 1 + k * i->count;
        c.year += (int)floor_div(month, 12);
        c.month = (int)(month - floor_div(month, 12) * 12) + 1;
        int last = days_in_month(c.year, c.month);
        c.day = c.day < last ? c.day : last;
    }
    return timezone_instant(zone, c);
}

/* A grid point number whose due time is near utc_s, off by two at most. */
static int64_t calendar_number_near(const struct interval *i, const struct timezone_rules *zone,
                                    int64_t utc_s)
{
    struct civil now = timezone_civil(zone, utc_s), from = i->anchor;
    if (i->unit == INTERVAL_DAYS)
        return floor_div(civil_days(now.year, now.month, now.day) -
                             civil_days(from.year, from.month, from.day),
                         i->count);
    return floor_div(((int64_t)now.year - from.year) * 12 + now.month - from.month, i->count);
}

static int64_t held(int64_t utc_s)
{
    return utc_s < EARLIEST_S ? EARLIEST_S : utc_s > LATEST_S ? LATEST_S : utc_s;
}

static int64_t point(const struct interval *i, const struct timezone_rules *zone, int64_t k)
{
    if (i->unit != INTERVAL_SECONDS)
        return calendar_point(i, zone, k);
    return (i->at_epoch ? 0 : timezone_instant(zone, i->anchor)) + k * i->count;
}

/* The number of the last grid point at or before utc_s. */
static int64_t number_at(const struct interval *i, const struct timezone_rules *zone, int64_t utc_s)
{
    if (i->unit == INTERVAL_SECONDS)
        return floor_div(utc_s - point(i, zone, 0), i->count);
    int64_t k = calendar_number_near(i, zone, utc_s) + 2;
    while (calendar_point(i, zone, k) > utc_s)
        k--;
    return k;
}

int64_t interval_next_after(const struct interval *i, const struct timezone_rules *zone,
                            int64_t utc_s)
{
    if (utc_s >= LATEST_S)
        return INTERVAL_NEVER;
    utc_s = utc_s < EARLIEST_S ? EARLIEST_S - 1 : utc_s;
    int64_t k = number_at(i, zone, utc_s) + 1;
    return point(i, zone, k);
}

int64_t interval_latest_at(const struct interval *i, const struct timezone_rules *zone,
                           int64_t utc_s)
{
    return point(i, zone, number_at(i, zone, held(utc_s)));
}

int64_t interval_count(const struct interval *i, const struct timezone_rules *zone, int64_t after_s,
                       int64_t until_s)
{
    int64_t count = number_at(i, zone, held(until_s)) - number_at(i, zone, held(after_s));
    return count < 0 ? 0 : count;
}
