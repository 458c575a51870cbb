/* Time zones agree with what Python's zoneinfo makes of the same tzdata, and wall clocks in gaps
 * and repeats mean what is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/timezone.h"

static struct timezone_rules *load(const char *name)
{
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, &e))
        fail_msg("%s", e.text);
    return zone;
}

static int64_t instant(const char *zone_name, const char *wall)
{
    struct timezone_rules *zone = load(zone_name);
    struct civil c;
    assert_int_equal(
        sscanf(wall, "%d-%d-%d %d:%d:%d", &c.year, &c.month, &c.day, &c.hour, &c.minute, &c.second),
        6);
    int64_t utc_s = timezone_instant(zone, c);
    timezone_free(zone);
    return utc_s;
}

/* --- against tables -----------------------------------------------------------------------------
 */

static int table_lines, table_wrong;

static void check_line(struct timezone_rules **zone, const char *line)
{
    char name[64];
    long long utc_s;
    int offset;
    struct civil c;
    table_lines++;
    if (sscanf(line, "zone %63s", name) == 1) {
        timezone_free(*zone);
        *zone = load(name);
    } else if (sscanf(line, "offset %lld %d", &utc_s, &offset) == 2) {
        if (timezone_offset(*zone, utc_s) == offset)
            return;
        table_wrong++;
        print_error("%s: %s   got %d\n", timezone_name(*zone), line, timezone_offset(*zone, utc_s));
    } else if (sscanf(line, "instant %d %d %d %d %d %d %lld", &c.year, &c.month, &c.day, &c.hour,
                      &c.minute, &c.second, &utc_s) == 7) {
        if (timezone_instant(*zone, c) == utc_s)
            return;
        table_wrong++;
        print_error("%s: %s   got %lld\n", timezone_name(*zone), line,
                    (long long)timezone_instant(*zone, c));
    } else {
        fail_msg("strange line: %s", line);
    }
}

static void check_table(FILE *f)
{
    assert_non_null(f);
    struct timezone_rules *zone = NULL;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        check_line(&zone, line);
    }
    timezone_free(zone);
}

static void offsets_and_instants_are_those_of_zoneinfo_to_the_year_9999(void **state)
{
    (void)state;
    table_lines = table_wrong = 0;
    const char *one = getenv("METERBEAT_TIMEZONE_TABLE"); /* a table of every zone, made by hand */
    if (one) {
        FILE *f = fopen(one, "r");
        check_table(f);
        fclose(f);
    }
    FILE *table = popen("/usr/bin/python3 '" METERBEAT_TEST_TOOLS "/zone_table.py'", "r");
    check_table(table);
    if (pclose(table) != 0)
        fail_msg("tests/tools/zone_table.py failed: it needs Debian's python3 and tzdata");
    assert_in_range(table_lines, 5000, INT_MAX);
    assert_int_equal(table_wrong, 0);
}

/* --- rules stated in the header ------------------------------------------------------------------
 */

static void a_wall_clock_in_a_gap_means_the_instant_right_after_it(void **state)
{
    (void)state;
    int64_t after = 1772953200; /* 2026-03-08T07:00:00Z */
    assert_int_equal(instant("America/New_York", "2026-03-08 02:00:00"), after);
    assert_int_equal(instant("America/New_York", "2026-03-08 02:30:00"), after);
    assert_int_equal(instant("America/New_York", "2026-03-08 03:00:00"), after);
    assert_int_equal(instant("America/New_York", "2026-03-08 01:59:59"), after - 1);
    assert_int_equal(instant("Australia/Lord_Howe", "2026-10-04 02:15:00"), 1791041400);
    /* A whole day that Samoa never had. */
    assert_int_equal(instant("Pacific/Apia", "2011-12-30 12:00:00"),
                     instant("Pacific/Apia", "2011-12-31 00:00:00"));
}

static void a_repeated_wall_clock_means_the_first_of_the_two(void **state)
{
    (void)state;
    assert_int_equal(instant("America/New_York", "2026-11-01 01:30:00"), 1793511000);
    assert_int_equal(instant("Europe/Berlin", "2026-10-25 02:00:00"), 1792886400);
    assert_int_equal(instant("Australia/Lord_Howe", "2026-04-05 01:45:00"), 1775313900);
}

static void a_day_has_23_24_or_25_hours(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/New_York");
    int64_t spring = 1772953200, autumn = 1793516400, summer = 1782000000;
    assert_int_equal(timezone_day_start(zone, spring, 1) - timezone_day_start(zone, spring, 0),
                     23 * 3600);
    assert_int_equal(timezone_day_start(zone, autumn, 1) - timezone_day_start(zone, autumn, 0),
                     25 * 3600);
    assert_int_equal(timezone_day_start(zone, summer, 1) - timezone_day_start(zone, summer, 0),
                     24 * 3600);
    timezone_free(zone);
}

static void a_day_without_a_midnight_starts_after_the_gap(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/Sao_Paulo"); /* 2018-11-04 began at 01:00 */
    int64_t noon = instant("America/Sao_Paulo", "2018-11-04 12:00:00");
    assert_int_equal(timezone_day_start(zone, noon, 0),
                     instant("America/Sao_Paulo", "2018-11-04 01:00:00"));
    timezone_free(zone);
}

/* Clocks that went back over midnight: at one past, at midnight, and on the first of a month. */
static void days_and_months_have_no_gaps_and_do_not_overlap_whatever_clocks_do(void **state)
{
    (void)state;
    static const char *const names[] = {
        "America/St_Johns",  "America/Havana",      "America/Sao_Paulo", "Australia/Lord_Howe",
        "Pacific/Apia",      "Pacific/Kwajalein",   "Asia/Almaty",       "America/New_York",
        "Africa/Casablanca", "Antarctica/Troll",    "Asia/Pyongyang",    "America/Caracas",
        "Atlantic/Azores",   "America/Scoresbysund"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct timezone_rules *zone = load(names[i]);
        int64_t month_s = 0, at_s = 100000000;
        for (int64_t change_s = at_s; change_s < 2200000000; at_s += 899) {
            if (at_s > change_s + 2 * 86400) /* on to the next change of the clocks */
                change_s = timezone_stretch(zone, change_s).end_s, at_s = change_s - 2 * 86400;
            int64_t start_s = timezone_day_start(zone, at_s, 0);
            int64_t end_s = timezone_day_start(zone, at_s, 1);
            assert_true(start_s <= at_s && at_s < end_s && end_s - start_s <= 26 * 3600);
            assert_int_equal(timezone_day_start(zone, start_s, 0), start_s);
            assert_int_equal(timezone_day_start(zone, end_s - 1, 0), start_s);
            assert_int_equal(timezone_day_start(zone, end_s, 0), end_s);
            int64_t first_s = timezone_month_start(zone, at_s, 0);
            int64_t next_s = timezone_month_start(zone, at_s, 1);
            assert_true(first_s <= start_s && end_s <= next_s && first_s >= month_s);
            assert_int_equal(timezone_month_start(zone, next_s, 0), next_s);
            month_s = first_s;
        }
        timezone_free(zone);
    }
}

static void the_evening_that_comes_again_belongs_to_the_day_begun_before(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/St_Johns"); /* 2009-11-01 00:01 became 23:01 */
    int64_t november_s = instant("America/St_Johns", "2009-11-01 00:00:00");
    int64_t again_s = november_s + 30 * 60;
    assert_int_equal(timezone_civil(zone, again_s).day, 31);
    assert_int_equal(timezone_day_start(zone, again_s, 0), november_s);
    assert_int_equal(timezone_month_start(zone, again_s, 0), november_s);
    assert_int_equal(timezone_day_start(zone, again_s, 1), november_s + 25 * 3600);
    timezone_free(zone);
}

static void months_are_moved_across_years_both_ways(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("Europe/Berlin");
    int64_t at = instant("Europe/Berlin", "2024-01-31 23:59:59");
    assert_int_equal(timezone_month_start(zone, at, 0),
                     instant("Europe/Berlin", "2024-01-01 00:00:00"));
    assert_int_equal(timezone_month_start(zone, at, 1),
                     instant("Europe/Berlin", "2024-02-01 00:00:00"));
    assert_int_equal(timezone_month_start(zone, at, -1),
                     instant("Europe/Berlin", "2023-12-01 00:00:00"));
    assert_int_equal(timezone_month_start(zone, at, 23),
                     instant("Europe/Berlin", "2025-12-01 00:00:00"));
    assert_int_equal(timezone_month_start(zone, at, -25),
                     instant("Europe/Berlin", "2021-12-01 00:00:00"));
    timezone_free(zone);
}

static void a_wall_clock_survives_the_way_there_and_back(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/New_York");
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t utc_s = -2208988800 + (int64_t)(seed >> 11) % 255611203200; /* 1900 to 9999 */
        struct civil c = timezone_civil(zone, utc_s);
        int64_t back = timezone_instant(zone, c);
        assert_true(back == utc_s || back == utc_s - 3600); /* the first of a repeated hour */
    }
    timezone_free(zone);
}

static void civil_dates_and_days_are_each_others_inverse(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 3000000; days += 13) {
        struct civil c = civil_from_days(days);
        assert_int_equal(civil_days(c.year, c.month, c.day), days);
        assert_in_range(c.month, 1, 12);
        assert_in_range(c.day, 1, 31);
    }
    assert_int_equal(civil_days(1970, 1, 1), 0);
    assert_int_equal(civil_days(2000, 2, 29), 11016);
    assert_int_equal(civil_days(2023, 14, 1), civil_days(2024, 2, 1));
    assert_int_equal(civil_days(2024, 0, 31), civil_days(2023, 12, 31));
    assert_int_equal(civil_days(2024, -11, 31), civil_days(2023, 1, 31));
    assert_int_equal(civil_days(2024, 2, 30), civil_days(2024, 3, 1));
}

static void extreme_instants_are_held_within_the_years_1_to_9999(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/New_York");
    assert_int_equal(timezone_civil(zone, INT64_MAX).year, 9999);
    assert_int_equal(timezone_civil(zone, INT64_MIN).year, 0); /* west of UTC: the evening before */
    struct civil far = {INT_MAX, INT_MAX, INT_MAX, INT_MAX, INT_MAX, INT_MAX};
    struct civil early = {INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN};
    assert_true(timezone_instant(zone, far) > timezone_instant(zone, early));
    (void)civil_from_days(INT64_MAX);
    (void)civil_from_days(INT64_MIN);
    timezone_free(zone);
}

static void stretches_follow_upon_one_another_and_have_one_offset_each(void **state)
{
    (void)state;
    static const char *const names[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
                                        "Africa/Monrovia", "Asia/Tokyo"};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        struct timezone_rules *zone = load(names[n]);
        int64_t first_s = civil_days(1, 1, 1) * 86400, last_s = civil_days(9999, 12, 31) * 86400;
        int64_t at_s = first_s, count = 0;
        for (; at_s <= last_s; count++) {
            struct timezone_stretch stretch = timezone_stretch(zone, at_s);
            assert_true(stretch.start_s == at_s || count == 0);
            assert_true(stretch.end_s > at_s);
            int64_t end_s = stretch.end_s < last_s ? stretch.end_s : last_s + 1;
            assert_int_equal(timezone_offset(zone, at_s), stretch.offset_s);
            assert_int_equal(timezone_offset(zone, at_s + (end_s - at_s) / 2), stretch.offset_s);
            assert_int_equal(timezone_offset(zone, end_s - 1), stretch.offset_s);
            assert_int_equal(timezone_stretch(zone, end_s - 1).end_s, stretch.end_s);
            at_s = stretch.end_s;
        }
        assert_true(n == 0 ? count == 1 : count > 3);
        timezone_free(zone);
    }
}

static void what_is_no_iana_zone_of_this_machine_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",     "Mars/Olympus",           "+05:30",   "XYZ3",   "../UTC", "/etc/passwd",
        ":UTC", "EST5EDT,M3.2.0,M11.1.0", "America/", "America"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err e = {0};
        struct timezone_rules *zone = NULL;
        assert_false(timezone_load(names[i], &zone, &e));
        assert_int_equal(e.kind, ERR_FATAL);
        assert_string_equal(e.code, "no_timezone");
        assert_null(zone);
    }
}

static void a_zone_that_cannot_be_read_now_is_tried_again(void **state)
{
    (void)state;
    struct rlimit before, none;
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool loaded = timezone_load("Antarctica/Troll", &zone, &e);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(loaded);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_string_equal(e.code, "timezone_unread");
    timezone_free(load("Antarctica/Troll"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_and_instants_are_those_of_zoneinfo_to_the_year_9999),
        cmocka_unit_test(a_wall_clock_in_a_gap_means_the_instant_right_after_it),
        cmocka_unit_test(a_repeated_wall_clock_means_the_first_of_the_two),
        cmocka_unit_test(a_day_has_23_24_or_25_hours),
        cmocka_unit_test(a_day_without_a_midnight_starts_after_the_gap),
        cmocka_unit_test(days_and_months_have_no_gaps_and_do_not_overlap_whatever_clocks_do),
        cmocka_unit_test(the_evening_that_comes_again_belongs_to_the_day_begun_before),
        cmocka_unit_test(months_are_moved_across_years_both_ways),
        cmocka_unit_test(a_wall_clock_survives_the_way_there_and_back),
        cmocka_unit_test(civil_dates_and_days_are_each_others_inverse),
        cmocka_unit_test(extreme_instants_are_held_within_the_years_1_to_9999),
        cmocka_unit_test(stretches_follow_upon_one_another_and_have_one_offset_each),
        cmocka_unit_test(what_is_no_iana_zone_of_this_machine_is_refused),
        cmocka_unit_test(a_zone_that_cannot_be_read_now_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
