/* A feed's LocalTimeParameters: the rules decoded, the known kinds of broken ones told, and the
 * IANA zone that keeps them. */
#include "common/espi/local_time.h"

#include <stdlib.h>
#include <string.h>

#include "common/espi/feed_series.h"

#define DAY_S INT64_C(86400)
/* Years whose changes a zone must have as the rules say. All that we know kept theirs in these. */
#define FIRST_YEAR 2012
#define LAST_YEAR 2030
/* Epoch seconds that a change of a real feed can have: 2001 to 2040. */
#define LEAST_INSTANT INT64_C(978307200)
#define MOST_INSTANT INT64_C(2208988800)

/* --- one rule ------------------------------------------------------------------------------ */
static bool change_is_sound(const struct local_change *c, unsigned seconds)
{
    bool has_day = c->day >= 1 && c->day <= 31, has_weekday = c->weekday >= 1;
    if (c->month < 1 || c->month > 12 || c->hour > 24 || seconds >= 3600)
        return false;
    if (c->operation == 0)
        return has_day && !has_weekday;
    return has_weekday && (c->operation == 1 ? has_day : c->day == 0);
}

static struct local_change change_of_bits(uint32_t bits)
{
    return (struct local_change){.kind = LOCAL_BY_RULE,
                                 .hour = (int)(bits >> 12 & 31),
                                 .weekday = (int)(bits >> 17 & 7),
                                 .day = (int)(bits >> 20 & 31),
                                 .operation = (int)(bits >> 25 & 7),
                                 .month = (int)(bits >> 28 & 15)};
}

/* 2-byte rules are the upper half; the hour is lost with the lower one. */
static struct local_change change_cut_off(uint32_t upper, const char **ret_odd)
{
    struct local_change c = change_of_bits(upper << 16);
    c.hour = -1;
    *ret_odd = "dst_rule_cut_off";
    if (!change_is_sound(&c, 0))
        c.kind = LOCAL_UNREADABLE;
    return c;
}

static struct local_change change_whole(uint32_t bits, const char **ret_odd)
{
    struct local_change c = change_of_bits(bits);
    if (bits == UINT32_MAX)
        return (struct local_change){.kind = LOCAL_NO_CHANGE};
    if (change_is_sound(&c, bits & 0xfff)) {
        if (bits % 0x1000 % 60)
            *ret_odd = "dst_rule_seconds";
        return c;
    }
    bool is_instant = bits >= LEAST_INSTANT && bits < MOST_INSTANT;
    *ret_odd = is_instant ? "dst_rule_unix_time" : "dst_rule_unreadable";
    return (struct local_change){.kind = is_instant ? LOCAL_AT_INSTANT : LOCAL_UNREADABLE,
                                 .instant_s = bits};
}

static struct local_change change_read(const char *rule, const char **ret_odd)
{
    char *end;
    if (!rule || !*rule)
        return (struct local_change){.kind = LOCAL_NO_CHANGE};
    size_t len = strlen(rule);
    unsigned long bits = strtoul(rule, &end, 16);
    if (len == strspn(rule, "0123456789abcdefABCDEF") && len == 8)
        return change_whole((uint32_t)bits, ret_odd);
    if (len == strspn(rule, "0123456789abcdefABCDEF") && len == 4)
        return change_cut_off((uint32_t)bits, ret_odd);
    *ret_odd = "dst_rule_unreadable";
    return (struct local_change){.kind = LOCAL_UNREADABLE};
}

/* --- what both rules and offsets say together ---------------------------------------------- */
static bool is_weekday_rule(const struct local_change *c, int month, int operation)
{
    return c->kind == LOCAL_BY_RULE && c->month == month && c->operation == operation &&
           c->weekday == 7;
}

/* The second Sunday of March, the first of November: no zone east of Greenwich ever kept these. */
static bool is_american(const struct local_change *start, const struct local_change *end)
{
    return is_weekday_rule(start, 3, 3) && is_weekday_rule(end, 11, 2);
}

/* The last Sundays of March and October. */
static bool is_european(const struct local_change *start, const struct local_change *end)
{
    return is_weekday_rule(start, 3, 7) && is_weekday_rule(end, 10, 7);
}

#define HOUR_S INT64_C(3600)
/* From Baker Island to the Line Islands, by quarters of an hour. */
static bool is_offset(int64_t offset_s)
{
    return offset_s >= -12 * HOUR_S && offset_s <= 14 * HOUR_S && offset_s % 900 == 0;
}

/* Seconds of an offset in hours, minutes or milliseconds; what is none of them stays. */
static int64_t offset_in_seconds(int64_t offset)
{
    if (offset >= -12 && offset <= 14)
        return offset * HOUR_S;
    if (offset >= -720 && offset <= 840 && is_offset(offset * 60))
        return offset * 60;
    if (offset % 1000 == 0 && is_offset(offset / 1000))
        return offset / 1000;
    return offset;
}

static void tell(struct local_time *t, const char *odd)
{
    if (!t->odd)
        t->odd = odd;
}

/* Which of the two an offset in another unit is, the rules have to say: without any it is not
 * believed. */
static void judge_offset(struct local_time *t)
{
    if (t->offset_s == ESPI_ABSENT)
        return;
    if (!is_offset(t->offset_s)) {
        t->offset_s = offset_in_seconds(t->offset_s);
        tell(t, is_offset(t->offset_s) ? "tz_offset_unit" : "tz_offset_odd");
    }
    if (!is_american(&t->start, &t->end))
        return;
    if (t->offset_s > 0)
        t->odd = "tz_offset_sign";
    else if (t->offset_s > -3 * HOUR_S)
        tell(t, "tz_offset_odd");
}

/* Australia kept Europe's days the other way round. */
static void judge_rules(struct local_time *t)
{
    const struct local_change *a = &t->start, *b = &t->end;
    bool is_north = t->offset_s != ESPI_ABSENT && t->offset_s < 7 * HOUR_S;
    if (is_american(b, a) || (is_european(b, a) && is_north)) {
        const struct local_change start = t->start;
        t->start = t->end;
        t->end = start;
        tell(t, "dst_rules_swapped");
    }
    if ((a->kind == LOCAL_NO_CHANGE) != (b->kind == LOCAL_NO_CHANGE))
        tell(t, "dst_rule_missing");
    if (a->kind == LOCAL_BY_RULE && b->kind == LOCAL_BY_RULE && a->month == b->month &&
        a->operation == b->operation && a->day == b->day && a->weekday == b->weekday)
        tell(t, "dst_rules_equal");
    if (is_european(a, b) && t->offset_s != ESPI_ABSENT && t->offset_s < -3 * HOUR_S)
        tell(t, "dst_rule_foreign");
}

/* Where the rules say when summer is, they say that there is one: by an hour, in every zone we
 * know. */
static void judge_summer(struct local_time *t)
{
    int64_t s = t->dst_offset_s;
    if (t->start.kind == LOCAL_NO_CHANGE || t->end.kind == LOCAL_NO_CHANGE || s == 0 ||
        s == HOUR_S / 2 || s == HOUR_S || s == 2 * HOUR_S)
        return;
    t->dst_offset_s = HOUR_S;
    tell(t, "dst_offset_odd");
}

struct local_time local_time_read(int64_t offset_s, int64_t dst_offset_s, const char *start_rule,
                                  const char *end_rule)
{
    struct local_time t = {.offset_s = offset_s, .dst_offset_s = dst_offset_s};
    t.start = change_read(start_rule, &t.odd);
    t.end = change_read(end_rule, &t.odd);
    judge_rules(&t);
    judge_offset(&t);
    judge_summer(&t);
    return t;
}

/* --- the calendar -------------------------------------------------------------------------- */
/* Monday 1 to Sunday 7; 1970-01-01 was a Thursday. */
static int weekday_of(int64_t days)
{
    return (int)(((days + 3) % 7 + 7) % 7) + 1;
}

static int64_t first_weekday(int64_t from_days, int weekday)
{
    return from_days + (weekday - weekday_of(from_days) + 7) % 7;
}

static int64_t change_day(const struct local_change *c, int year)
{
    int64_t first = civil_days(year, c->month, 1), next = civil_days(year, c->month + 1, 1);
    switch (c->operation) {
    case 0:
        return first + c->day - 1;
    case 1:
        return first_weekday(first + c->day - 1, c->weekday);
    case 7:
        return first_weekday(next - 7, c->weekday);
    default:
        return first_weekday(first, c->weekday) + 7 * (int64_t)(c->operation - 2);
    }
}

int64_t local_time_change(const struct local_time *t, bool is_start, int year)
{
    const struct local_change *c = is_start ? &t->start : &t->end;
    int64_t wall_s = change_day(c, year) * DAY_S + (c->hour < 0 ? 2 : c->hour) * INT64_C(3600);
    return wall_s - t->offset_s - (is_start ? 0 : t->dst_offset_s);
}

/* --- a zone that keeps them ---------------------------------------------------------------- */
static bool offset_is(const struct timezone_rules *zone, int64_t at_s, int64_t offset_s)
{
    return timezone_offset(zone, at_s) == offset_s;
}

/* The clocks of the zone go from one offset to the other at this instant, or about then where the
 * feed does not say it to the hour. */
static bool zone_changes_at(const struct timezone_rules *zone, const struct local_time *t,
                            bool is_start, int64_t at_s, int64_t about_s)
{
    int64_t winter = t->offset_s, summer = t->offset_s + t->dst_offset_s;
    return offset_is(zone, at_s - 1 - about_s, is_start ? winter : summer) &&
           offset_is(zone, at_s + about_s, is_start ? summer : winter);
}

static bool zone_keeps(const struct timezone_rules *zone, const struct local_time *t, bool is_start)
{
    const struct local_change *c = is_start ? &t->start : &t->end;
    if (c->kind == LOCAL_AT_INSTANT)
        return zone_changes_at(zone, t, is_start, c->instant_s, DAY_S);
    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++)
        if (!zone_changes_at(zone, t, is_start, local_time_change(t, is_start, year),
                             c->hour < 0 ? DAY_S : 0))
            return false;
    return true;
}

struct zone_of_offset {
    int offset_s;
    const char *with_summer, *without; /* NULL: none */
};

static const struct zone_of_offset zones_by_offset[] = {
    {-12600, "America/St_Johns", NULL},
    {-14400, "America/Halifax", "America/Puerto_Rico"},
    {-18000, "America/New_York", "America/Panama"},
    {-21600, "America/Chicago", "America/Regina"},
    {-25200, "America/Denver", "America/Phoenix"},
    {-28800, "America/Los_Angeles", "Etc/GMT+8"},
    {-32400, "America/Anchorage", "Etc/GMT+9"},
    {-36000, "America/Adak", "Pacific/Honolulu"},
    {0, "Europe/London", "UTC"},
    {3600, "Europe/Berlin", "Africa/Lagos"},
    {7200, "Europe/Athens", "Africa/Johannesburg"},
    {19800, NULL, "Asia/Kolkata"},
    {28800, NULL, "Asia/Singapore"},
    {32400, NULL, "Asia/Tokyo"},
    {34200, "Australia/Adelaide", "Australia/Darwin"},
    {36000, "Australia/Sydney", "Australia/Brisbane"},
    {43200, "Pacific/Auckland", NULL},
};

static const struct zone_of_offset *zone_of_offset(int64_t offset_s)
{
    for (size_t i = 0; i < ARRAY_LEN(zones_by_offset); i++)
        if (zones_by_offset[i].offset_s == offset_s)
            return &zones_by_offset[i];
    return NULL;
}

static bool cannot_be_trusted(const struct local_time *t)
{
    static const char *const fatal[] = {"tz_offset_sign", "tz_offset_odd", "dst_rule_missing",
                                        "dst_rules_equal"};
    bool has_rules = t->start.kind != LOCAL_NO_CHANGE;
    for (size_t i = 0; t->odd && i < ARRAY_LEN(fatal); i++)
        if (!strcmp(t->odd, fatal[i]))
            return true;
    return t->offset_s == ESPI_ABSENT || t->start.kind == LOCAL_UNREADABLE ||
           t->end.kind == LOCAL_UNREADABLE || has_rules != (t->end.kind != LOCAL_NO_CHANGE) ||
           (t->odd && !strcmp(t->odd, "tz_offset_unit") && !has_rules);
}

const char *local_time_zone(const struct local_time *t, struct zones *zones)
{
    const struct timezone_rules *zone;
    const struct zone_of_offset *candidate = zone_of_offset(t->offset_s);
    if (cannot_be_trusted(t) || !candidate)
        return NULL;
    /* rules without an hour to add change nothing */
    if (t->start.kind == LOCAL_NO_CHANGE || t->dst_offset_s == 0)
        return candidate->without;
    if (!candidate->with_summer || !zones_get(zones, candidate->with_summer, &zone, NULL))
        return NULL;
    return zone_keeps(zone, t, true) && zone_keeps(zone, t, false) ? candidate->with_summer : NULL;
}
