/* Intervals: what may be written, and due times that never drift, whatever the clocks of the zone
 * do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/schedule/interval.h"

static struct timezone_rules *load(const char *name)
{
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, &e))
        fail_msg("%s", e.text);
    return zone;
}

static struct interval interval(const char *every, const char *anchor)
{
    struct err e = {0};
    struct interval i = {0};
    if (!interval_parse(every, anchor, &i, &e))
        fail_msg("%s", e.text);
    return i;
}

static int64_t utc(const char *text)
{
    struct civil c = {0};
    assert_int_equal(
        sscanf(text, "%d-%d-%dT%d:%d:%d", &c.year, &c.month, &c.day, &c.hour, &c.minute, &c.second),
        6);
    return civil_days(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
}

/* After `from` the interval is due at exactly these instants, and looking back finds them again. */
static void expect(const char *every, const char *anchor, const char *zone_name, const char *from,
                   const char *const *due, size_t count)
{
    struct timezone_rules *zone = load(zone_name);
    struct interval i = interval(every, anchor);
    int64_t at_s = utc(from);
    for (size_t k = 0; k < count; k++) {
        char text[CLOCK_TEXT];
        int64_t next_s = interval_next_after(&i, zone, at_s);
        assert_string_equal(clock_format_utc(next_s * 1000, text), due[k]);
        assert_int_equal(interval_latest_at(&i, zone, next_s), next_s);
        assert_true(interval_latest_at(&i, zone, next_s - 1) <= at_s);
        at_s = next_s;
    }
    timezone_free(zone);
}
#define EXPECT(every, anchor, zone, from, ...)                                                     \
    expect(every, anchor, zone, from, (const char *const[]){__VA_ARGS__},                          \
           ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* --- grammar ------------------------------------------------------------------------------------
 */

static void an_interval_is_a_number_and_a_unit(void **state)
{
    (void)state;
    assert_int_equal(interval("2s", NULL).count, 2);
    assert_int_equal(interval("5m", "").count, 300);
    assert_int_equal(interval("3h", NULL).count, 10800);
    assert_int_equal(interval("1w", NULL).count, 7);
    assert_int_equal(interval("1w", NULL).unit, INTERVAL_DAYS);
    assert_int_equal(interval("1mo", NULL).unit, INTERVAL_MONTHS);
    assert_int_equal(interval("2y", NULL).count, 24);
}

static void anything_else_is_refused_with_the_column(void **state)
{
    (void)state;
    static const struct {
        const char *every, *column;
    } cases[] = {
        {"", "column 1"},     {"s", "column 1"},           {"-1s", "column 1"},
        {"+1s", "column 1"},  {" 1s", "column 1"},         {"5", "column 2"},
        {"5 m", "column 2"},  {"5M", "column 2"},          {"5min", "column 2"},
        {"5m ", "column 2"},  {"1d12h", "column 2"},       {"1.5h", "column 2"},
        {"0s", "column 1"},   {"00d", "column 1"},         {"99999999999999999999s", "column 1"},
        {"101y", "column 1"}, {"3155760001s", "column 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct interval out = {.count = -7};
        assert_false(interval_parse(cases[i].every, NULL, &out, &e));
        assert_string_equal(e.code, "bad_interval");
        assert_int_equal(e.kind, ERR_FATAL);
        assert_non_null(strstr(e.text, cases[i].column));
        assert_int_equal(out.count, -7);
    }
}

static void a_length_of_time_is_in_elapsed_seconds(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t seconds = 0;
    assert_true(interval_seconds("90s", &seconds, &e) && seconds == 90);
    assert_true(interval_seconds("12h", &seconds, &e) && seconds == 43200);
    assert_true(interval_seconds("1d", &seconds, &e) && seconds == 86400);
    assert_true(interval_seconds("2w", &seconds, &e) && seconds == 14 * 86400);
    assert_false(interval_seconds("1mo", &seconds, &e));
    assert_non_null(strstr(e.text, "no fixed length"));
    assert_false(interval_seconds("1 h", &seconds, &e));
}

static void an_anchor_is_a_local_date_or_time(void **state)
{
    (void)state;
    assert_int_equal(interval("1d", "2026-01-31").anchor.day, 31);
    assert_int_equal(interval("1d", "2026-01-31T06:30").anchor.minute, 30);
    assert_int_equal(interval("1d", "2024-02-29T06:30:59").anchor.second, 59);
    static const struct {
        const char *anchor, *column;
    } cases[] = {
        {"2026", "column 5"},
        {"2026-13-01", "column 5"},
        {"2026-02-30", "column 9"},
        {"2025-02-29", "column 9"},
        {"2026-01-01 06:30", "column 11"},
        {"2026-01-01T", "column 11"},
        {"2026-01-01T24:00", "column 11"},
        {"2026-01-01T06", "column 14"},
        {"2026-01-01T06:30:60", "column 17"},
        {"2026-01-01T06:30:00Z", "column 20"},
        {"tomorrow", "column 1"},
        {"26-01-01", "column 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct interval out;
        assert_false(interval_parse("1d", cases[i].anchor, &out, &e));
        assert_string_equal(e.code, "bad_anchor");
        if (!strstr(e.text, cases[i].column))
            fail_msg("%s: %s", cases[i].anchor, e.text);
    }
}

/* --- elapsed time --------------------------------------------------------------------------------
 */

static void seconds_minutes_and_hours_lie_on_the_grid_of_the_epoch(void **state)
{
    (void)state;
    EXPECT("2s", NULL, "America/New_York", "2026-03-01T00:00:01", "2026-03-01T00:00:02Z",
           "2026-03-01T00:00:04Z", "2026-03-01T00:00:06Z");
    EXPECT("7s", NULL, "UTC", "1970-01-01T00:00:00", "1970-01-01T00:00:07Z");
    EXPECT("5m", NULL, "Asia/Kathmandu", "2026-03-01T00:04:59", "2026-03-01T00:05:00Z");
    EXPECT("3h", NULL, "America/New_York", "2026-03-08T05:00:00", "2026-03-08T06:00:00Z",
           "2026-03-08T09:00:00Z", "2026-03-08T12:00:00Z");
}

static void hours_are_elapsed_time_in_both_dst_changes(void **state)
{
    (void)state;
    EXPECT("1h", NULL, "Europe/Berlin", "2026-10-24T23:30:00", "2026-10-25T00:00:00Z",
           "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z");
    EXPECT("24h", "2026-03-07T09:00", "America/New_York", "2026-03-07T00:00:00",
           "2026-03-07T14:00:00Z", "2026-03-08T14:00:00Z", "2026-03-09T14:00:00Z");
}

static void an_anchor_moves_the_grid_of_hours(void **state)
{
    (void)state;
    EXPECT("6h", "2026-01-01T01:30", "Europe/Berlin", "2026-01-01T00:00:00", "2026-01-01T00:30:00Z",
           "2026-01-01T06:30:00Z");
    /* and it goes back before the anchor */
    EXPECT("6h", "2026-01-01T01:30", "Europe/Berlin", "2025-12-31T12:00:00",
           "2025-12-31T12:30:00Z");
}

/* --- the calendar --------------------------------------------------------------------------------
 */

static void a_day_begins_at_local_midnight(void **state)
{
    (void)state;
    EXPECT("1d", NULL, "America/New_York", "2026-03-07T00:00:00", "2026-03-07T05:00:00Z",
           "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");
    EXPECT("1d", NULL, "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-24T22:00:00Z",
           "2026-10-25T23:00:00Z");
    EXPECT("1d", NULL, "America/Sao_Paulo", "2018-11-03T12:00:00", "2018-11-04T03:00:00Z",
           "2018-11-05T02:00:00Z");
}

static void a_time_in_the_gap_is_due_once_right_after_it(void **state)
{
    (void)state;
    EXPECT("1d", "2026-01-01T02:30", "America/New_York", "2026-03-07T00:00:00",
           "2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z");
    EXPECT("1d", "2026-01-01T02:15", "Australia/Lord_Howe", "2026-10-03T00:00:00",
           "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z");
}

static void a_repeated_time_is_due_once_at_its_first_pass(void **state)
{
    (void)state;
    EXPECT("1d", "2026-01-01T01:30", "America/New_York", "2026-10-31T12:00:00",
           "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z");
    EXPECT("1d", "2026-01-01T01:45", "Australia/Lord_Howe", "2026-04-04T00:00:00",
           "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z");
}

static void a_day_that_the_zone_left_out_is_no_second_due_time(void **state)
{
    (void)state;
    EXPECT("1d", NULL, "Pacific/Apia", "2011-12-28T12:00:00", "2011-12-29T10:00:00Z",
           "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
}

static void a_week_begins_on_monday(void **state)
{
    (void)state;
    EXPECT("1w", NULL, "Europe/Berlin", "2026-03-25T00:00:00", "2026-03-29T22:00:00Z",
           "2026-04-05T22:00:00Z");
    EXPECT("1w", "2026-11-26T08:00", "America/New_York", "2026-10-25T00:00:00",
           "2026-10-29T12:00:00Z", "2026-11-05T13:00:00Z");
    EXPECT("2w", "2026-01-05", "UTC", "2026-01-01T00:00:00", "2026-01-05T00:00:00Z",
           "2026-01-19T00:00:00Z");
}

static void a_month_begins_on_the_first_and_an_anchor_is_clamped_to_its_end(void **state)
{
    (void)state;
    EXPECT("1mo", NULL, "America/New_York", "2026-02-10T00:00:00", "2026-03-01T05:00:00Z",
           "2026-04-01T04:00:00Z");
    EXPECT("1mo", "2024-01-31T06:00", "UTC", "2024-01-31T06:00:00", "2024-02-29T06:00:00Z",
           "2024-03-31T06:00:00Z", "2024-04-30T06:00:00Z");
    EXPECT("1mo", "2024-01-31", "UTC", "2025-02-01T00:00:00", "2025-02-28T00:00:00Z",
           "2025-03-31T00:00:00Z");
    EXPECT("3mo", "2025-12-15", "UTC", "2025-01-01T00:00:00", "2025-03-15T00:00:00Z",
           "2025-06-15T00:00:00Z");
    EXPECT("1y", "2024-02-29", "UTC", "2024-02-29T00:00:00", "2025-02-28T00:00:00Z",
           "2026-02-28T00:00:00Z", "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z");
}

/* --- ten years against a model that only watches the wall clock
 * ------------------------------------ */

/* Whether a local date is one of the grid's, said in the words of the calendar. */
typedef bool date_rule(struct civil date);

static bool every_day(struct civil date)
{
    (void)date;
    return true;
}

static bool mondays(struct civil date)
{
    int m = date.month < 3 ? date.month + 12 : date.month; /* Zeller's congruence, Monday = 2 */
    int y = date.month < 3 ? date.year - 1 : date.year;
    return (date.day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7 == 2;
}

static bool last_days_of_months(struct civil date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    return date.day == days[date.month - 1] + (leap && date.month == 2);
}

static bool quarters(struct civil date)
{
    return date.day == 1 && date.month % 3 == 1;
}

static long minute_of(struct civil c)
{
    return ((c.year * 100L + c.month) * 100 + c.day) * 10000 + c.hour * 100 + c.minute;
}

/*
 * Walks ten years by quarters of an hour. A date of the grid fires at the first step at which its
 * wall clock is first reached or jumped over. Shares with the code under test only timezone_civil.
 */
static void compare_with_model(const char *every, const char *anchor, const char *zone_name,
                               date_rule *rule, int hour, int minute)
{
    struct timezone_rules *zone = load(zone_name);
    struct interval i = interval(every, anchor);
    int64_t start_s = utc("2024-01-01T12:00:00"), end_s = utc("2034-01-01T12:00:00");
    int64_t next_s = interval_next_after(&i, zone, start_s);
    long highest = minute_of(timezone_civil(zone, start_s));
    int fired = 0;
    for (int64_t at_s = start_s + 900; at_s <= end_s; at_s += 900) {
        struct civil now = timezone_civil(zone, at_s);
        long target = ((now.year * 100L + now.month) * 100 + now.day) * 10000 + hour * 100 + minute;
        bool fires = rule(now) && highest < target && minute_of(now) >= target;
        if (fires != (at_s == next_s))
            fail_msg("%s %s %s: model %d at %lld, next due %lld", every, anchor, zone_name, fires,
                     (long long)at_s, (long long)next_s);
        if (fires) {
            fired++;
            assert_int_equal(interval_latest_at(&i, zone, at_s + 899), at_s);
            next_s = interval_next_after(&i, zone, at_s);
        }
        highest = minute_of(now) > highest ? minute_of(now) : highest;
    }
    assert_int_equal(interval_count(&i, zone, start_s, end_s), fired);
    assert_in_range(fired, 40, 3654);
    timezone_free(zone);
}

static void ten_years_of_due_times_are_those_of_the_wall_clock(void **state)
{
    (void)state;
    static const char *const zones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
                                        "UTC", "America/Havana"};
    for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
        compare_with_model("1d", NULL, zones[z], every_day, 0, 0);
        compare_with_model("1d", "2020-05-05T02:30", zones[z], every_day, 2, 30);
        compare_with_model("1d", "2020-05-05T01:45", zones[z], every_day, 1, 45);
        compare_with_model("1w", NULL, zones[z], mondays, 0, 0);
        compare_with_model("1mo", "2020-01-31T02:15", zones[z], last_days_of_months, 2, 15);
        compare_with_model("3mo", NULL, zones[z], quarters, 0, 0);
    }
}

static void instants_beyond_all_calendars_are_held(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/New_York");
    static const char *const everies[] = {"2s", "1d", "1mo", "100y"};
    for (size_t k = 0; k < ARRAY_LEN(everies); k++) {
        struct interval i = interval(everies[k], NULL);
        assert_int_equal(interval_next_after(&i, zone, INT64_MAX), INTERVAL_NEVER);
        assert_true(interval_next_after(&i, zone, INT64_MIN) >= 0);
        assert_true(interval_latest_at(&i, zone, INT64_MIN) <= 0);
        assert_true(interval_latest_at(&i, zone, INT64_MAX) > 0);
        assert_int_equal(interval_count(&i, zone, INT64_MAX, INT64_MIN), 0);
    }
    timezone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_is_a_number_and_a_unit),
        cmocka_unit_test(anything_else_is_refused_with_the_column),
        cmocka_unit_test(a_length_of_time_is_in_elapsed_seconds),
        cmocka_unit_test(an_anchor_is_a_local_date_or_time),
        cmocka_unit_test(seconds_minutes_and_hours_lie_on_the_grid_of_the_epoch),
        cmocka_unit_test(hours_are_elapsed_time_in_both_dst_changes),
        cmocka_unit_test(an_anchor_moves_the_grid_of_hours),
        cmocka_unit_test(a_day_begins_at_local_midnight),
        cmocka_unit_test(a_time_in_the_gap_is_due_once_right_after_it),
        cmocka_unit_test(a_repeated_time_is_due_once_at_its_first_pass),
        cmocka_unit_test(a_day_that_the_zone_left_out_is_no_second_due_time),
        cmocka_unit_test(a_week_begins_on_monday),
        cmocka_unit_test(a_month_begins_on_the_first_and_an_anchor_is_clamped_to_its_end),
        cmocka_unit_test(ten_years_of_due_times_are_those_of_the_wall_clock),
        cmocka_unit_test(instants_beyond_all_calendars_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
