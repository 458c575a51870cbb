/* ISO 8601 date-times as Celery writes and reads them, to and from milliseconds since the epoch. */
#include "common/base/iso8601.h"

#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400 };
#define FIRST_MS (INT64_C(-62135596800) * 1000)
#define LAST_MS (INT64_C(253402300799) * 1000 + 999)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly n digits at *at and moves past them. */
static bool digits(const char **at, int n, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!is_digit((*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += n;
    *ret_value = value;
    return true;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    ++*at;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days of all years before this one, counted from year 1. */
static int64_t days_before_year(int year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

static int64_t epoch_days(int year, int month, int day)
{
    int64_t days = days_before_year(year) - days_before_year(1970) + day - 1;
    for (int m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days;
}

static bool parse_date(const char **at, int64_t *ret_days)
{
    int year, month, day;
    if (!digits(at, 4, &year) || year < 1)
        return false;
    bool extended = skip(at, '-');
    if (!digits(at, 2, &month) || month < 1 || month > 12)
        return false;
    if (extended && !skip(at, '-'))
        return false;
    if (!digits(at, 2, &day) || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_days = epoch_days(year, month, day);
    return true;
}

/* One or more digits after '.' or ','; the first three count. */
static bool parse_fraction(const char **at, int *ret_ms)
{
    *ret_ms = 0;
    if (!skip(at, '.') && !skip(at, ','))
        return true;
    if (!is_digit(**at))
        return false;
    for (int weight = 100; is_digit(**at); ++*at, weight /= 10)
        *ret_ms += (**at - '0') * weight;
    return true;
}

/* HH, HH:MM, HH:MM:SS, HHMM, HHMMSS; minutes and seconds 0 when not given. */
static bool parse_clock(const char **at, int *ret_seconds, bool *ret_to_the_second)
{
    int hour, minute = 0, second = 0;
    *ret_to_the_second = false;
    if (!digits(at, 2, &hour) || hour > 23)
        return false;
    bool extended = skip(at, ':');
    if (extended || is_digit(**at)) {
        if (!digits(at, 2, &minute) || minute > 59)
            return false;
        if (extended ? skip(at, ':') : is_digit(**at)) {
            if (!digits(at, 2, &second) || second > 59)
                return false;
            *ret_to_the_second = true;
        }
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool parse_offset(const char **at, int *ret_seconds)
{
    bool ignored;
    *ret_seconds = 0;
    if (skip(at, 'Z') || skip(at, 'z'))
        return true;
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (sign == 0)
        return true; /* none told: UTC */
    ++*at;
    if (!parse_clock(at, ret_seconds, &ignored))
        return false;
    *ret_seconds *= sign;
    return true;
}

static bool parse_time(const char **at, int64_t *ret_ms)
{
    int seconds, ms = 0, offset;
    bool to_the_second;
    if (!parse_clock(at, &seconds, &to_the_second))
        return false;
    if (to_the_second && !parse_fraction(at, &ms))
        return false;
    if (!parse_offset(at, &offset))
        return false;
    *ret_ms = (int64_t)(seconds - offset) * 1000 + ms;
    return **at == '\0';
}

bool iso8601_parse(const char *text, int64_t *ret_ms)
{
    int64_t days, time_ms = 0;
    const char *at = text;
    if (!parse_date(&at, &days))
        return false;
    if (*at) {
        if (!skip(&at, 'T') && !skip(&at, 't') && !skip(&at, ' '))
            return false;
        if (!parse_time(&at, &time_ms))
            return false;
    }
    *ret_ms = days * DAY_S * 1000 + time_ms;
    return true;
}

bool iso8601_is_time(const char *text)
{
    int64_t ms;
    return parse_time(&text, &ms);
}

/* Year and day of the year (from 0) of a day counted from the epoch. */
static int year_of_days(int64_t days, int *ret_day)
{
    int64_t from_year_1 = days + days_before_year(1970);
    int year = (int)(from_year_1 / 366) + 1; /* never too late; a few steps short */
    while (days_before_year(year + 1) <= from_year_1)
        year++;
    *ret_day = (int)(from_year_1 - days_before_year(year));
    return year;
}

const char *iso8601_format(int64_t ms, char text[ISO8601_TEXT])
{
    ms = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
    int64_t day_ms = (int64_t)DAY_S * 1000;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    unsigned rest = (unsigned)(ms - days * day_ms);
    int day, month = 1;
    int year = year_of_days(days, &day);
    for (; day >= days_in_month(year, month); month++)
        day -= days_in_month(year, month);
    unsigned seconds = rest / 1000 % DAY_S;
    char fraction[16] = "";
    if (rest % 1000)
        snprintf(fraction, sizeof fraction, ".%03u000", rest % 1000);
    snprintf(text, ISO8601_TEXT, "%04d-%02d-%02dT%02u:%02u:%02u%s+00:00", year, month, day + 1,
             seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
    return text;
}
