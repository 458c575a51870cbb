/* Local time by IANA zone: the zone's transitions read once from GLib, then looked up by halves. */
#include "common/base/timezone.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_S INT64_C(86400)
/* The Gregorian calendar repeats, weekdays included, every 400 years. */
#define CYCLE_DAYS INT64_C(146097)
#define CYCLE_S (CYCLE_DAYS * DAY_S)
/* Transitions are kept for these years; later ones follow from the last 400 of them, because by
 * then every zone goes by its yearly rule alone. */
#define FIRST_KEPT_S (INT64_C(-46386) * DAY_S) /* 1843-01-01, before any zone's first */
#define LAST_KEPT_S (INT64_C(193579) * DAY_S)  /* 2500-01-01 */
/* Instants are taken as if within the years 1 to 9999. */
#define LEAST_S (INT64_C(-719162) * DAY_S)
#define MOST_S (INT64_C(2932897) * DAY_S - 1)
#define YEARLY_RULE_S                                                                              \
    (INT64_C(24472) * DAY_S) /* 2037-01-01, the last year that tzdata spells out */
/* No zone was ever further than this from UTC. */
#define FARTHEST_S (26 * INT64_C(3600))
#define MAX_NAME 64

/* From start_s to the next one's start the zone is offset_s east of UTC. */
struct span {
    int64_t start_s;
    int offset_s;
};

struct timezone_rules {
    char name[MAX_NAME];
    size_t count; /* at least 1; the first starts at INT64_MIN */
    struct span spans[];
};

/* --- reading a zone ----------------------------------------------------------------------------
 */

static int zone_interval(GTimeZone *zone, int64_t utc_s)
{
    return g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s);
}

/* The first instant after from_s that is in a later interval of the zone; end_s for none. */
static int64_t zone_next_transition(GTimeZone *zone, int64_t from_s, int64_t end_s)
{
    int here = zone_interval(zone, from_s);
    int64_t low = from_s, step = 100 * DAY_S, high = from_s;
    while (zone_interval(zone, high) == here) {
        if (high >= end_s)
            return end_s;
        low = high;
        high = low + step < end_s ? low + step : end_s;
        step *= 2;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (zone_interval(zone, middle) == here)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Appends the zone's spans of [from_s, end_s); changes of the abbreviation alone are no spans. */
static void zone_append_spans(GArray *spans, GTimeZone *zone, int64_t from_s, int64_t end_s)
{
    for (int64_t at_s = from_s; at_s < end_s; at_s = zone_next_transition(zone, at_s, end_s)) {
        struct span next = {at_s, g_time_zone_get_offset(zone, zone_interval(zone, at_s))};
        if (spans->len == 0)
            next.start_s = INT64_MIN;
        else if (g_array_index(spans, struct span, spans->len - 1).offset_s == next.offset_s)
            continue;
        g_array_append_val(spans, next);
    }
}

/*
 * Whose yearly rule the zone goes by after 2036: its own, but for Ireland's. Its winter time is a
 * negative summer time at offset 0, which GLib takes for "not given". Britain's clocks are the
 * same.
 */
static GTimeZone *zone_of_yearly_rule(GTimeZone *zone)
{
    const char *name = g_time_zone_get_identifier(zone);
    if (strcmp(name, "Europe/Dublin") == 0 || strcmp(name, "Eire") == 0)
        return g_time_zone_new_identifier("Europe/London");
    return g_time_zone_ref(zone);
}

static GArray *zone_spans(GTimeZone *zone)
{
    GTimeZone *later = zone_of_yearly_rule(zone);
    if (!later)
        return NULL;
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    zone_append_spans(spans, zone, FIRST_KEPT_S, YEARLY_RULE_S);
    zone_append_spans(spans, later, YEARLY_RULE_S, LAST_KEPT_S);
    g_time_zone_unref(later);
    return spans;
}

/* GLib also takes "+05:30" and POSIX rules for a zone; a configuration that means a place does not.
 */
static bool zone_name_is_iana(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char others[] = "0123456789+-_/";
    size_t length = strlen(name);
    if (length == 0 || length >= MAX_NAME || !strchr(letters, name[0]) || name[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!strchr(letters, name[i]) && !strchr(others, name[i]))
            return false;
    return true;
}

/* GLib reads a name without a file as a POSIX rule: "XYZ3" would be a zone. */
static bool zone_file_exists(const char *name)
{
    const char *folder = getenv("TZDIR");
    char path[4096];
    struct stat file;
    int length =
        snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
    return length > 0 && (size_t)length < sizeof path && stat(path, &file) == 0 &&
           S_ISREG(file.st_mode);
}

/* NULL when its file cannot be read; g_array_free. */
static GArray *zone_read(const char *name)
{
    GTimeZone *zone = g_time_zone_new_identifier(name);
    if (!zone)
        return NULL;
    GArray *spans = zone_spans(zone);
    g_time_zone_unref(zone);
    return spans;
}

bool timezone_load(const char *name, struct timezone_rules **ret_zone, struct err *e)
{
    bool is_zone = zone_name_is_iana(name) && zone_file_exists(name);
    GArray *spans = is_zone ? zone_read(name) : NULL;
    if (!spans && is_zone) /* no file free, say */
        return err_set(e, ERR_RETRY, "timezone_unread", "time zone %.*s cannot be read now",
                       MAX_NAME, name);
    if (!spans)
        return err_set(e, ERR_FATAL, "no_timezone",
                       "\"%.*s\" is no time zone that this machine knows (IANA name such as "
                       "America/New_York; package tzdata)",
                       MAX_NAME, name);
    struct timezone_rules *rules = calloc(1, sizeof *rules + spans->len * sizeof(struct span));
    if (rules) {
        memcpy(rules->name, name, strlen(name) + 1);
        rules->count = spans->len;
        memcpy(rules->spans, spans->data, spans->len * sizeof(struct span));
        *ret_zone = rules;
    }
    g_array_free(spans, TRUE);
    return rules ? true : err_set(e, ERR_FATAL, "no_memory", "time zone %s", name);
}

void timezone_free(struct timezone_rules *zone)
{
    free(zone);
}

const char *timezone_name(const struct timezone_rules *zone)
{
    return zone->name;
}

/* --- calendar arithmetic ------------------------------------------------------------------------
 */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

int64_t civil_days(int year, int month, int day)
{
    int64_t m0 = (int64_t)month - 1;
    int64_t y = year + floor_div(m0, 12);
    int64_t m = m0 - floor_div(m0, 12) * 12 + 1;
    /* Years begin in March, so that the leap day is a year's last. */
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * CYCLE_DAYS + day_of_era - 719468 + day - 1;
}

struct civil civil_from_days(int64_t days)
{
    int64_t z = clamp(days, -365 * INT64_C(2000000000), 365 * INT64_C(2000000000)) + 719468;
    int64_t era = floor_div(z, CYCLE_DAYS);
    int64_t day_of_era = z - era * CYCLE_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    return (struct civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1),
    };
}

/* The wall clock as if the zone were UTC. */
static int64_t civil_seconds(struct civil c)
{
    return civil_days(c.year, c.month, c.day) * DAY_S + c.hour * INT64_C(3600) +
           c.minute * INT64_C(60) + c.second;
}

/* --- instants and wall clocks -------------------------------------------------------------------
 */

/* Moves a far future instant back by whole cycles into the kept years. */
static int64_t into_kept_years(int64_t s, int64_t *ret_moved_s)
{
    *ret_moved_s = 0;
    if (s >= LAST_KEPT_S - FARTHEST_S)
        *ret_moved_s = ((s - (LAST_KEPT_S - FARTHEST_S)) / CYCLE_S + 1) * CYCLE_S;
    return s - *ret_moved_s;
}

/* Index of the span that holds utc_s. */
static size_t span_at(const struct timezone_rules *zone, int64_t utc_s)
{
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->spans[middle].start_s <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int timezone_offset(const struct timezone_rules *zone, int64_t utc_s)
{
    int64_t moved_s;
    int64_t at_s = into_kept_years(clamp(utc_s, LEAST_S, MOST_S), &moved_s);
    return zone->spans[span_at(zone, at_s)].offset_s;
}

struct timezone_stretch timezone_stretch(const struct timezone_rules *zone, int64_t utc_s)
{
    int64_t moved_s;
    int64_t at_s = into_kept_years(clamp(utc_s, LEAST_S, MOST_S), &moved_s);
    size_t i = span_at(zone, at_s);
    struct timezone_stretch stretch = {
        .start_s = i == 0 ? LEAST_S - CYCLE_S : zone->spans[i].start_s,
        .end_s = i + 1 == zone->count ? MOST_S + CYCLE_S : zone->spans[i + 1].start_s,
        .offset_s = zone->spans[i].offset_s,
    };
    if (zone->count == 1)
        return stretch;
    /* Years that are moved follow upon one another where the kept ones end. */
    int64_t most_s = LAST_KEPT_S - FARTHEST_S, least_s = most_s - CYCLE_S;
    stretch.end_s = clamp(stretch.end_s, INT64_MIN, most_s);
    if (moved_s)
        stretch.start_s = clamp(stretch.start_s, least_s, INT64_MAX);
    stretch.start_s += moved_s;
    stretch.end_s += moved_s;
    return stretch;
}

struct civil timezone_civil(const struct timezone_rules *zone, int64_t utc_s)
{
    utc_s = clamp(utc_s, LEAST_S, MOST_S);
    int64_t local_s = utc_s + timezone_offset(zone, utc_s);
    int64_t days = floor_div(local_s, DAY_S);
    int second_of_day = (int)(local_s - days * DAY_S);
    struct civil c = civil_from_days(days);
    c.hour = second_of_day / 3600;
    c.minute = second_of_day / 60 % 60;
    c.second = second_of_day % 60;
    return c;
}

int64_t timezone_instant(const struct timezone_rules *zone, struct civil local)
{
    int64_t moved_s;
    int64_t local_s = into_kept_years(clamp(civil_seconds(local), LEAST_S, MOST_S), &moved_s);
    /* In order of time, so that the first span that ends after this wall clock decides. */
    size_t i = span_at(zone, local_s - FARTHEST_S);
    for (;; i++) {
        int64_t utc_s = local_s - zone->spans[i].offset_s;
        if (utc_s < zone->spans[i].start_s)
            return zone->spans[i].start_s + moved_s; /* the gap just before this span */
        if (i + 1 == zone->count || utc_s < zone->spans[i + 1].start_s)
            return utc_s + moved_s;
    }
}

/* The day's first: where clocks go back over midnight, it is there twice. */
static int64_t midnight(const struct timezone_rules *zone, int64_t days)
{
    return timezone_instant(zone, civil_from_days(days));
}

/* The day that an instant belongs to: the date its clock shows, but for the hour that is there
 * again after the next day has begun (St. John's until 2011 went back at one past midnight). */
static int64_t day_of(const struct timezone_rules *zone, int64_t utc_s)
{
    struct civil c = timezone_civil(zone, utc_s);
    int64_t days = civil_days(c.year, c.month, c.day);
    while (midnight(zone, days + 1) <= utc_s && utc_s < MOST_S - 2 * DAY_S)
        days++;
    return days;
}

int64_t timezone_day_start(const struct timezone_rules *zone, int64_t utc_s, int n)
{
    return midnight(zone, day_of(zone, utc_s) + n);
}

int64_t timezone_month_start(const struct timezone_rules *zone, int64_t utc_s, int n)
{
    struct civil c = civil_from_days(day_of(zone, utc_s));
    int64_t months = (int64_t)c.month - 1 + n;
    int64_t years = floor_div(months, 12);
    return midnight(zone, civil_days((int)(c.year + years), (int)(months - years * 12) + 1, 1));
}
