/* Times of a crontab by the calendar alone: a month's days are one mask, a day's minutes another.
 */
#include "common/schedule/crontab_wall.h"

#define DAY_MINUTES INT64_C(1440)
/* Beyond any crontab's longest silence: 29 February on a given weekday, across a year like 2100. */
#define MOST_MONTHS (60 * 12)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* --- days ---------------------------------------------------------------------------------------
 */

/* A month, counted from January of the year 0, and the days since the epoch of its day 0. */
struct month {
    int64_t number, day0;
};

static struct month month_make(int64_t number)
{
    int64_t year = floor_div(number, 12);
    return (struct month){number, civil_days((int)year, (int)(number - year * 12) + 1, 1) - 1};
}

static struct month month_of(int64_t day)
{
    struct civil date = civil_from_days(day);
    return (struct month){date.year * INT64_C(12) + date.month - 1, day - date.day};
}

/* Which days of the month fire: bit 1 for the first. */
static uint32_t month_days(const struct crontab *c, struct month m)
{
    int month = (int)(m.number - floor_div(m.number, 12) * 12) + 1;
    if (!(c->months >> month & 1))
        return 0;
    int length = (int)(month_make(m.number + 1).day0 - m.day0);
    int weekday0 = (int)(m.day0 + 4 - floor_div(m.day0 + 4, 7) * 7); /* the epoch was a Thursday */
    uint64_t weeks = 0; /* the weekdays again and again, from day 0 on */
    for (int day = -weekday0; day <= length; day += 7)
        weeks |= day < 0 ? c->weekdays >> -day : (uint64_t)c->weekdays << day;
    return c->days & (uint32_t)weeks & (uint32_t)((UINT64_C(2) << length) - 2);
}

/* The first day from `day` on that fires. */
static int64_t day_from(const struct crontab *c, int64_t day)
{
    struct month m = month_of(day);
    uint32_t days = month_days(c, m) & (UINT32_MAX << (day - m.day0));
    for (int i = 0; days == 0 && i < MOST_MONTHS; i++) {
        m = month_make(m.number + 1);
        days = month_days(c, m);
    }
    return days ? m.day0 + __builtin_ctz(days) : INTERVAL_NEVER / (2 * 86400);
}

/* The last day up to `day` that fires. */
static int64_t day_until(const struct crontab *c, int64_t day)
{
    struct month m = month_of(day);
    uint32_t days = month_days(c, m) & (uint32_t)((UINT64_C(2) << (day - m.day0)) - 1);
    for (int i = 0; days == 0 && i < MOST_MONTHS; i++) {
        m = month_make(m.number - 1);
        days = month_days(c, m);
    }
    return days ? m.day0 + 31 - __builtin_clz(days) : -INTERVAL_NEVER / (2 * 86400);
}

/* How many days fire in [from, before). */
static int64_t days_count(const struct crontab *c, int64_t from, int64_t before)
{
    int64_t count = 0;
    if (from >= before)
        return 0;
    struct month m = month_of(from), last = month_of(before);
    count -= __builtin_popcount(month_days(c, m) & ~(UINT32_MAX << (from - m.day0)));
    for (; m.number < last.number; m = month_make(m.number + 1))
        count += __builtin_popcount(month_days(c, m));
    return count + __builtin_popcount(month_days(c, m) & ~(UINT32_MAX << (before - m.day0)));
}

static bool day_fires(const struct crontab *c, int64_t day)
{
    return day_from(c, day) == day;
}

/* --- minutes of a day ---------------------------------------------------------------------------
 */

/* The first minute from `minute` on, or -1; a minute of the day is 60 x hour + minute. */
static int minute_from(const struct crontab *c, int minute)
{
    int hour = minute / 60;
    uint64_t rest = c->minutes >> minute % 60;
    if (c->hours >> hour & 1 && rest)
        return minute + __builtin_ctzll(rest);
    uint32_t later = c->hours & (UINT32_MAX << hour << 1);
    return later ? __builtin_ctz(later) * 60 + __builtin_ctzll(c->minutes) : -1;
}

static int highest_minute(uint64_t minutes)
{
    return 63 - __builtin_clzll(minutes);
}

/* The last minute up to `minute`, or -1. */
static int minute_until(const struct crontab *c, int minute)
{
    int hour = minute / 60;
    uint64_t rest = c->minutes & ((UINT64_C(2) << minute % 60) - 1);
    if (c->hours >> hour & 1 && rest)
        return hour * 60 + highest_minute(rest);
    uint32_t earlier = c->hours & ((UINT32_C(1) << hour) - 1);
    return earlier ? (31 - __builtin_clz(earlier)) * 60 + highest_minute(c->minutes) : -1;
}

/* How many minutes of a day that fires come before `minute`. */
static int64_t minutes_before(const struct crontab *c, int minute)
{
    int hour = minute / 60;
    int64_t count = (int64_t)__builtin_popcount(c->hours & ((UINT32_C(1) << hour) - 1)) *
                    __builtin_popcountll(c->minutes);
    if (c->hours >> hour & 1)
        count += __builtin_popcountll(c->minutes & ((UINT64_C(1) << minute % 60) - 1));
    return count;
}

/* --- wall clocks --------------------------------------------------------------------------------
 */

static int64_t wall(int64_t day, int minute)
{
    return (day * DAY_MINUTES + minute) * 60;
}

int64_t crontab_wall_from(const struct crontab *c, int64_t wall_s)
{
    int64_t at = -floor_div(-wall_s, 60), day = floor_div(at, DAY_MINUTES);
    int minute = minute_from(c, (int)(at - day * DAY_MINUTES));
    if (minute >= 0 && day_fires(c, day))
        return wall(day, minute);
    return wall(day_from(c, day + 1), minute_from(c, 0));
}

int64_t crontab_wall_until(const struct crontab *c, int64_t wall_s)
{
    int64_t at = floor_div(wall_s, 60), day = floor_div(at, DAY_MINUTES);
    int minute = minute_until(c, (int)(at - day * DAY_MINUTES));
    if (minute >= 0 && day_fires(c, day))
        return wall(day, minute);
    return wall(day_until(c, day - 1), minute_until(c, DAY_MINUTES - 1));
}

/* The times before wall_s on its own day, and *ret_day is that day. */
static int64_t count_on_day(const struct crontab *c, int64_t wall_s, int64_t *ret_day)
{
    int64_t at = -floor_div(-wall_s, 60);
    *ret_day = floor_div(at, DAY_MINUTES);
    return day_fires(c, *ret_day) ? minutes_before(c, (int)(at - *ret_day * DAY_MINUTES)) : 0;
}

int64_t crontab_wall_count(const struct crontab *c, int64_t from_s, int64_t before_s)
{
    if (from_s >= before_s)
        return 0;
    int64_t first, last;
    int64_t before_first = count_on_day(c, from_s, &first);
    int64_t before_last = count_on_day(c, before_s, &last);
    return days_count(c, first, last) * minutes_before(c, DAY_MINUTES) + before_last - before_first;
}
