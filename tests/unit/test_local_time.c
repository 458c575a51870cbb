/* A feed's rules of local time decoded, the broken ones told, and the zone that keeps them found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/espi/feed_series.h"
#include "common/espi/local_time.h"

static struct zones zones;

static void rules_decode_to_the_instants_at_which_clocks_change(void **state)
{
    (void)state;
    struct local_time t = local_time_read(-18000, 3600, "360E2000", "B40E2000");
    assert_null(t.odd);
    assert_int_equal(t.start.month, 3);
    assert_int_equal(t.start.operation, 3);
    assert_int_equal(t.start.weekday, 7);
    assert_int_equal(t.start.hour, 2);
    assert_int_equal(local_time_change(&t, true, 2024), 1710054000);  /* 2024-03-10T07:00Z */
    assert_int_equal(local_time_change(&t, false, 2024), 1730613600); /* 2024-11-03T06:00Z */
}

static void each_operator_finds_its_day(void **state)
{
    (void)state;
    /* March, hour 0: on the 25th; Sunday on or after the 8th; the last Sunday */
    struct local_time day = local_time_read(0, 3600, "31900000", "31900000");
    struct local_time after = local_time_read(0, 3600, "328E0000", "328E0000");
    struct local_time last = local_time_read(0, 3600, "3E0E0000", "3E0E0000");
    assert_int_equal(local_time_change(&day, true, 2024), 1711324800);   /* Monday the 25th */
    assert_int_equal(local_time_change(&after, true, 2024), 1710028800); /* the 10th */
    assert_int_equal(local_time_change(&last, true, 2024), 1711843200);  /* the 31st */
}

static void assert_zone(int64_t offset_s, const char *start, const char *end, const char *want)
{
    struct local_time t = local_time_read(offset_s, 3600, start, end);
    const char *zone = local_time_zone(&t, &zones);
    if (!want)
        assert_null(zone);
    else
        assert_string_equal(zone, want);
}

static void a_zone_that_keeps_the_rules_is_found(void **state)
{
    (void)state;
    assert_zone(-18000, "360E2000", "B40E2000", "America/New_York");
    assert_zone(-28800, "360E2000", "B40E2000", "America/Los_Angeles");
    assert_zone(3600, "3E0E2000", "AE0E3000", "Europe/Berlin");
    assert_zone(0, "3E0E1000", "AE0E2000", "Europe/London");
    assert_zone(-25200, NULL, NULL, "America/Phoenix");
    assert_zone(-25200, "FFFFFFFF", "FFFFFFFF", "America/Phoenix");
    assert_zone(-18000, "3E0E2000", "AE0E3000", NULL); /* Europe's rules in New York */
    assert_zone(-18000, "360E3000", "B40E2000", NULL); /* an hour late */
    assert_zone(1234, "360E2000", "B40E2000", NULL);
    assert_zone(ESPI_ABSENT, NULL, NULL, NULL);
}

static void assert_odd(int64_t offset_s, const char *start, const char *end, const char *odd,
                       const char *zone)
{
    struct local_time t = local_time_read(offset_s, 3600, start, end);
    assert_non_null(t.odd);
    assert_string_equal(t.odd, odd);
    assert_zone(offset_s, start, end, zone);
}

static void
the_known_kinds_of_broken_rules_are_told_and_used_where_they_still_say_enough(void **state)
{
    (void)state;
    assert_odd(-28800, "360E", "B40E", "dst_rule_cut_off", "America/Los_Angeles");
    assert_odd(-28800, "B60E", "B40E", "dst_rule_cut_off", NULL); /* summer begins in November */
    assert_odd(-18000, "65ED5A70", "67271F70", "dst_rule_unix_time", "America/New_York");
    assert_odd(-18000, "360E2001", "B40E2002", "dst_rule_seconds", "America/New_York");
    assert_odd(18000, "360E2000", "B40E2000", "tz_offset_sign", NULL);
    assert_odd(-18000, "0", "B40E2000", "dst_rule_unreadable", NULL);
    assert_odd(-18000, "march!!!", "B40E2000", "dst_rule_unreadable", NULL);
    assert_odd(-18000, "00000001", "B40E2000", "dst_rule_unreadable", NULL);
}

static void assert_read(int64_t offset_s, int64_t dst_offset_s, const char *start, const char *end,
                        const char *odd, const char *want)
{
    struct local_time t = local_time_read(offset_s, dst_offset_s, start, end);
    const char *zone = local_time_zone(&t, &zones);
    assert_string_equal(t.odd ? t.odd : "", odd);
    assert_string_equal(zone ? zone : "", want);
}

static void an_offset_that_no_summer_time_adds_is_told_and_the_rules_say_the_zone(void **state)
{
    (void)state;
    const int64_t odd[] = {-18000, -14400, -3600, 1, 60, 3600000, INT64_MAX, ESPI_ABSENT};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_read(-18000, odd[i], "360E2000", "B40E2000", "dst_offset_odd", "America/New_York");
    assert_read(3600, 7201, "3E0E2000", "AE0E3000", "dst_offset_odd", "Europe/Berlin");
    assert_read(-18000, 0, "360E2000", "B40E2000", "", "America/Panama");
    assert_read(-18000, -18000, NULL, NULL, "", "America/Panama"); /* no rules: nothing to add */
}

static void offsets_in_another_unit_are_told_and_believed_where_the_rules_agree(void **state)
{
    (void)state;
    assert_read(-5, 3600, "360E2000", "B40E2000", "tz_offset_unit", "America/New_York");
    assert_read(-300, 60, "360E2000", "B40E2000", "tz_offset_unit", "America/New_York");
    assert_read(-18000000, 3600000, "360E2000", "B40E2000", "tz_offset_unit", "America/New_York");
    assert_read(1, 1, "3E0E2000", "AE0E3000", "tz_offset_unit", "Europe/Berlin");
    assert_read(-5, 3600, NULL, NULL, "tz_offset_unit", "");
    assert_read(-18001, 3600, "360E2000", "B40E2000", "tz_offset_odd", "");
    assert_read(0, 3600, "360E2000", "B40E2000", "tz_offset_odd", "");
    assert_read(INT64_MIN + 1, 3600, "360E2000", "B40E2000", "tz_offset_odd", "");
}

static void rules_that_cannot_stand_beside_one_another_are_told(void **state)
{
    (void)state;
    assert_read(-18000, 3600, "B40E2000", "360E2000", "dst_rules_swapped", "America/New_York");
    assert_read(3600, 3600, "AE0E3000", "3E0E2000", "dst_rules_swapped", "Europe/Berlin");
    assert_read(-18000, 3600, "360E2000", NULL, "dst_rule_missing", "");
    assert_read(-18000, 3600, "FFFFFFFF", "B40E2000", "dst_rule_missing", "");
    assert_read(-18000, 3600, "360E2000", "360E2000", "dst_rules_equal", "");
    assert_read(-18000, 3600, "3E0E2000", "AE0E3000", "dst_rule_foreign", "");
    assert_read(34200, 3600, "A40E2000", "440E3000", "", "Australia/Adelaide");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_decode_to_the_instants_at_which_clocks_change),
        cmocka_unit_test(each_operator_finds_its_day),
        cmocka_unit_test(a_zone_that_keeps_the_rules_is_found),
        cmocka_unit_test(
            the_known_kinds_of_broken_rules_are_told_and_used_where_they_still_say_enough),
        cmocka_unit_test(an_offset_that_no_summer_time_adds_is_told_and_the_rules_say_the_zone),
        cmocka_unit_test(offsets_in_another_unit_are_told_and_believed_where_the_rules_agree),
        cmocka_unit_test(rules_that_cannot_stand_beside_one_another_are_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    zones_free(&zones);
    return failed;
}
