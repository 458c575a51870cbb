/* Due times of crontabs: by the calendar, across changes of the clocks, and against a walk by
 * minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/schedule/crontab.h"

static struct timezone_rules *load(const char *name)
{
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, &e))
        fail_msg("%s", e.text);
    return zone;
}

static struct crontab crontab(const char *text)
{
    struct err e = {0};
    struct crontab c = {0};
    if (!crontab_parse(text, &c, &e))
        fail_msg("%s", e.text);
    return c;
}

static int64_t utc(const char *text)
{
    struct civil c = {0};
    assert_int_equal(
        sscanf(text, "%d-%d-%dT%d:%d:%d", &c.year, &c.month, &c.day, &c.hour, &c.minute, &c.second),
        6);
    return civil_days(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
}

/* After `from` the crontab is due at exactly these instants, looking back finds them again, and
 * they are counted. */
static void expect(const char *text, const char *zone_name, const char *from,
                   const char *const *due, size_t count)
{
    struct timezone_rules *zone = load(zone_name);
    struct crontab c = crontab(text);
    int64_t start_s = utc(from), at_s = start_s;
    for (size_t k = 0; k < count; k++) {
        char told[CLOCK_TEXT];
        int64_t next_s = crontab_next_after(&c, zone, at_s);
        assert_string_equal(clock_format_utc(next_s * 1000, told), due[k]);
        assert_int_equal(crontab_latest_at(&c, zone, next_s), next_s);
        assert_true(crontab_latest_at(&c, zone, next_s - 1) <= at_s);
        assert_int_equal(crontab_count(&c, zone, start_s, next_s - 1), k);
        assert_int_equal(crontab_count(&c, zone, start_s, next_s), k + 1);
        at_s = next_s;
    }
    timezone_free(zone);
}
#define EXPECT(text, zone, from, ...)                                                              \
    expect(text, zone, from, (const char *const[]){__VA_ARGS__},                                   \
           ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* --- by the calendar ----------------------------------------------------------------------------
 */

static void times_are_those_of_the_entrys_zone(void **state)
{
    (void)state;
    EXPECT("0 4 * * *", "America/New_York", "2026-06-01T07:00:00", "2026-06-01T08:00:00Z",
           "2026-06-02T08:00:00Z");
    EXPECT("0 4 * * *", "Asia/Kathmandu", "2026-06-01T00:00:00", "2026-06-01T22:15:00Z");
    EXPECT("30 0,12 * * *", "UTC", "2026-06-01T00:30:00", "2026-06-01T12:30:00Z",
           "2026-06-02T00:30:00Z");
}

static void day_month_and_weekday_must_all_be_right(void **state)
{
    (void)state;
    EXPECT("0 9 1-7 * mon", "UTC", "2026-01-01T00:00:00", "2026-01-05T09:00:00Z",
           "2026-02-02T09:00:00Z", "2026-03-02T09:00:00Z");
    EXPECT("0 0 13 * fri", "UTC", "2026-01-01T00:00:00", "2026-02-13T00:00:00Z",
           "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z");
    EXPECT("0 0 31 * *", "UTC", "2026-01-31T00:00:00", "2026-03-31T00:00:00Z",
           "2026-05-31T00:00:00Z");
    EXPECT("0 0 31 6,7 *", "UTC", "2026-01-31T00:00:00", "2026-07-31T00:00:00Z",
           "2027-07-31T00:00:00Z");
}

static void a_rare_date_is_found_across_decades(void **state)
{
    (void)state;
    EXPECT("0 0 29 2 *", "UTC", "2096-03-01T00:00:00", "2104-02-29T00:00:00Z");
    EXPECT("0 0 29 2 mon", "UTC", "1996-02-29T00:00:00", "2016-02-29T00:00:00Z",
           "2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z", "2112-02-29T00:00:00Z");
    EXPECT("0 0 29 2 mon", "America/New_York", "2072-03-01T00:00:00", "2112-02-29T05:00:00Z");
}

/* --- the gap ------------------------------------------------------------------------------------
 */

static void a_time_in_the_gap_is_due_once_right_after_it(void **state)
{
    (void)state;
    EXPECT("30 2 * * *", "America/New_York", "2026-03-07T00:00:00", "2026-03-07T07:30:00Z",
           "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z");
    EXPECT("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00", "2026-03-28T01:30:00Z",
           "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z");
    EXPECT("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00", "2026-10-03T15:30:00Z",
           "2026-10-04T15:15:00Z");
    EXPECT("30 2 * * *", "UTC", "2026-03-29T00:00:00", "2026-03-29T02:30:00Z",
           "2026-03-30T02:30:00Z");
}

static void several_times_in_the_gap_are_one_tick(void **state)
{
    (void)state;
    EXPECT("*/15 2 * * *", "America/New_York", "2026-03-08T00:00:00", "2026-03-08T07:00:00Z",
           "2026-03-09T06:00:00Z", "2026-03-09T06:15:00Z");
    EXPECT("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T01:00:00Z",
           "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z");
    EXPECT("*/20 * * * *", "Australia/Lord_Howe", "2026-10-03T15:00:00", "2026-10-03T15:10:00Z",
           "2026-10-03T15:30:00Z", "2026-10-03T15:40:00Z", "2026-10-03T16:00:00Z");
}

static void every_minute_runs_on_over_the_gap(void **state)
{
    (void)state;
    EXPECT("* * * * *", "Europe/Berlin", "2026-03-29T00:58:00", "2026-03-29T00:59:00Z",
           "2026-03-29T01:00:00Z", "2026-03-29T01:01:00Z");
    EXPECT("*/15 * * * *", "America/New_York", "2026-03-08T06:30:00", "2026-03-08T06:45:00Z",
           "2026-03-08T07:00:00Z", "2026-03-08T07:15:00Z");
    EXPECT("0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00", "2026-03-29T00:00:00Z",
           "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
}

static void a_day_that_the_zone_left_out_is_due_at_its_end(void **state)
{
    (void)state;
    /* Samoa had no 2011-12-30: midnight came after the 29th's last minute, as the 31st's. */
    EXPECT("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00", "2011-12-30T10:00:00Z",
           "2012-12-29T22:00:00Z");
    EXPECT("0 0 * * *", "Pacific/Apia", "2011-12-29T00:00:00", "2011-12-29T10:00:00Z",
           "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
}

/* --- the repeated hour --------------------------------------------------------------------------
 */

static void a_repeated_time_is_due_once_in_its_first_pass(void **state)
{
    (void)state;
    EXPECT("30 1 * * *", "America/New_York", "2026-10-31T12:00:00", "2026-11-01T05:30:00Z",
           "2026-11-02T06:30:00Z");
    EXPECT("0,30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:00:00Z",
           "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z");
    EXPECT("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00", "2026-04-04T14:45:00Z",
           "2026-04-05T15:15:00Z");
    EXPECT("30 2 * * *", "UTC", "2026-10-25T00:00:00", "2026-10-25T02:30:00Z",
           "2026-10-26T02:30:00Z");
}

static void stars_run_through_the_repeated_hour(void **state)
{
    (void)state;
    EXPECT("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:30:00", "2026-10-25T00:00:00Z",
           "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
           "2026-10-25T02:00:00Z");
    EXPECT("0 * * * *", "America/New_York", "2026-11-01T04:00:00", "2026-11-01T05:00:00Z",
           "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z");
    EXPECT("*/30 1 * * *", "America/New_York", "2026-11-01T04:30:00", "2026-11-01T05:00:00Z",
           "2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z",
           "2026-11-02T06:00:00Z");
    EXPECT("*/10 * * * *", "Australia/Lord_Howe", "2026-04-04T14:40:00", "2026-04-04T14:50:00Z",
           "2026-04-04T15:00:00Z", "2026-04-04T15:10:00Z", "2026-04-04T15:20:00Z");
}

/* --- against a walk -----------------------------------------------------------------------------
 */

static uint64_t random_state = 2026;

static int random_below(int limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((random_state >> 33) % (uint64_t)limit);
}

static void random_field(int least, int most, char text[32])
{
    int room = most - least + 1, a = least + random_below(room), b = least + random_below(room);
    switch (random_below(5)) {
    case 0:
        snprintf(text, 32, "*");
        return;
    case 1:
        snprintf(text, 32, "*/%d", 1 + random_below(room));
        return;
    case 2:
        snprintf(text, 32, "%d,%d", a, b);
        return;
    case 3:
        snprintf(text, 32, "%d-%d/%d", a, b, 1 + random_below(room));
        return;
    default:
        snprintf(text, 32, "%d", a);
    }
}

static bool right(const struct crontab *c, int64_t wall_minute)
{
    int64_t days = wall_minute / 1440;
    int minute = (int)(wall_minute % 1440);
    struct civil date = civil_from_days(days);
    return c->minutes >> minute % 60 & 1 && c->hours >> minute / 60 & 1 &&
           c->days >> date.day & 1 && c->months >> date.month & 1 &&
           c->weekdays >> (days + 4) % 7 & 1;
}

/* From start_s on, each minute of `days` days: new wall clocks fire, jumped ones too, old ones when
 * it runs through. */
static void compare_with_walk(const struct crontab *c, const struct timezone_rules *zone,
                              const char *text, int64_t start_s, int days)
{
    int64_t highest = (start_s + timezone_offset(zone, start_s)) / 60;
    int64_t next_s = crontab_next_after(c, zone, start_s), last_s = 0;
    int64_t count = 0, end_s = start_s + days * INT64_C(86400);
    for (int64_t at_s = start_s + 60; at_s <= end_s; at_s += 60) {
        int64_t wall = (at_s + timezone_offset(zone, at_s)) / 60;
        bool fires = wall <= highest && c->runs_through && right(c, wall);
        for (int64_t w = highest + 1; w <= wall && !fires; w++)
            fires = right(c, w);
        highest = wall > highest ? wall : highest;
        if (fires != (at_s == next_s))
            fail_msg("\"%s\" in %s: the walk says %d at %lld, next due %lld", text,
                     timezone_name(zone), fires, (long long)at_s, (long long)next_s);
        if (!fires)
            continue;
        count++;
        last_s = at_s;
        assert_int_equal(crontab_latest_at(c, zone, at_s + 59), at_s);
        assert_int_equal(crontab_count(c, zone, start_s, at_s), count);
        next_s = crontab_next_after(c, zone, at_s);
    }
    assert_int_equal(crontab_count(c, zone, start_s, end_s), count);
    if (last_s)
        assert_int_equal(crontab_latest_at(c, zone, end_s), last_s);
}

static void due_times_are_those_that_a_walk_by_minutes_meets(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *from;
        int days;
    } spans[] = {
        {"Europe/Berlin", "2026-03-27T00:00:00", 4},
        {"Europe/Berlin", "2026-10-23T00:00:00", 4},
        {"America/New_York", "2026-03-06T00:00:00", 4},
        {"America/New_York", "2026-10-30T00:00:00", 4},
        {"Australia/Lord_Howe", "2026-04-03T00:00:00", 4},
        {"Australia/Lord_Howe", "2026-10-02T00:00:00", 4},
        {"America/Sao_Paulo", "2018-11-02T00:00:00", 4}, /* a day without midnight */
        {"America/Havana", "2026-10-31T00:00:00", 4},    /* midnight twice */
        {"Pacific/Apia", "2011-12-28T00:00:00", 5},
        {"Antarctica/Troll", "2026-03-27T00:00:00", 4}, /* two hours */
        {"UTC", "2027-12-30T00:00:00", 70},
    };
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        struct timezone_rules *zone = load(spans[i].zone);
        for (int turn = 0; turn < 150; turn++) {
            char f[5][32], text[200];
            random_field(0, 59, f[0]);
            random_field(0, random_below(2) ? 3 : 23, f[1]);
            random_field(1, 31, f[2]);
            random_field(1, 12, f[3]);
            random_field(0, 6, f[4]);
            bool any = random_below(3) > 0; /* or most would never fire here */
            snprintf(text, sizeof text, "%s %s %s %s %s", f[0], f[1], any ? "*" : f[2],
                     any ? "*" : f[3], any ? "*" : f[4]);
            struct crontab c;
            struct err e;
            if (crontab_parse(text, &c, &e))
                compare_with_walk(&c, zone, text, utc(spans[i].from), spans[i].days);
        }
        timezone_free(zone);
    }
}

/* --- the ends -----------------------------------------------------------------------------------
 */

static void counting_centuries_is_no_walk_by_minutes(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("Europe/Berlin");
    struct crontab c = crontab("* * * * *");
    /* Each DST hour that is skipped comes back in autumn. */
    assert_int_equal(
        crontab_count(&c, zone, utc("2000-01-01T00:00:00"), utc("8000-01-01T00:00:00")),
        (utc("8000-01-01T00:00:00") - utc("2000-01-01T00:00:00")) / 60);
    c = crontab("0 0 29 2 *");
    assert_int_equal(
        crontab_count(&c, zone, utc("2000-01-01T00:00:00"), utc("2400-01-01T00:00:00")), 97);
    timezone_free(zone);
}

static void instants_beyond_all_calendars_are_held(void **state)
{
    (void)state;
    static const char *const zones[] = {"America/New_York", "UTC"};
    static const char *const texts[] = {"* * * * *", "0 0 29 2 mon", "0 4 1 1 *"};
    for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
        struct timezone_rules *zone = load(zones[z]);
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            struct crontab c = crontab(texts[k]);
            assert_int_equal(crontab_next_after(&c, zone, INT64_MAX), INTERVAL_NEVER);
            assert_true(crontab_next_after(&c, zone, INT64_MIN) >= 0);
            assert_true(crontab_next_after(&c, zone, INT64_MIN) < INT64_C(1500000000));
            assert_true(crontab_latest_at(&c, zone, INT64_MIN) <= 0);
            assert_true(crontab_latest_at(&c, zone, INT64_MIN) > -INT64_C(2000000000));
            assert_true(crontab_latest_at(&c, zone, INT64_MAX) > INT64_C(220000000000));
            assert_int_equal(crontab_count(&c, zone, INT64_MAX, INT64_MIN), 0);
            assert_true(crontab_count(&c, zone, INT64_MIN, INT64_MAX) > 240);
        }
        timezone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_those_of_the_entrys_zone),
        cmocka_unit_test(day_month_and_weekday_must_all_be_right),
        cmocka_unit_test(a_rare_date_is_found_across_decades),
        cmocka_unit_test(a_time_in_the_gap_is_due_once_right_after_it),
        cmocka_unit_test(several_times_in_the_gap_are_one_tick),
        cmocka_unit_test(every_minute_runs_on_over_the_gap),
        cmocka_unit_test(a_day_that_the_zone_left_out_is_due_at_its_end),
        cmocka_unit_test(a_repeated_time_is_due_once_in_its_first_pass),
        cmocka_unit_test(stars_run_through_the_repeated_hour),
        cmocka_unit_test(due_times_are_those_that_a_walk_by_minutes_meets),
        cmocka_unit_test(counting_centuries_is_no_walk_by_minutes),
        cmocka_unit_test(instants_beyond_all_calendars_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
