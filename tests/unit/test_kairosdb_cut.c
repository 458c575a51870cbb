/* Local days and months, asked for as rows of days of one length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/kairosdb/kairosdb_cut.h"

#define HOUR 3600
#define DAY (24 * INT64_C(3600))

static struct timezone_rules *load(const char *name)
{
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, &e))
        fail_msg("%s", e.text);
    return zone;
}

static int64_t day(const struct timezone_rules *zone, int year, int month, int of_month)
{
    return timezone_instant(zone, (struct civil){.year = year, .month = month, .day = of_month});
}

static void assert_cut(const struct kairosdb_cut *cut, int64_t from_s, int64_t to_s,
                       int64_t length_s)
{
    assert_int_equal(cut->from_s, from_s);
    assert_int_equal(cut->to_s, to_s);
    assert_int_equal(cut->length_s, length_s);
}

static void a_year_is_days_of_24_hours_around_two_that_are_longer_and_shorter(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/New_York");
    int64_t from_s = day(zone, 2024, 1, 1), to_s = day(zone, 2025, 1, 1);
    const int64_t ends[] = {day(zone, 2024, 3, 10), day(zone, 2024, 3, 11), day(zone, 2024, 11, 3),
                            day(zone, 2024, 11, 4), to_s};
    const int64_t lengths[] = {DAY, 23 * HOUR, DAY, 25 * HOUR, DAY};
    for (size_t i = 0; i < 5; i++) {
        struct kairosdb_cut cut = kairosdb_cut_first(zone, from_s, to_s);
        assert_cut(&cut, from_s, ends[i], lengths[i]);
        from_s = cut.to_s;
    }
    timezone_free(zone);
}

static void a_day_that_moves_by_half_an_hour_and_one_that_never_was_are_cut_right(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("Australia/Lord_Howe");
    int64_t from_s = day(zone, 2024, 4, 7), to_s = day(zone, 2024, 4, 20);
    struct kairosdb_cut cut = kairosdb_cut_first(zone, from_s, to_s);
    assert_cut(&cut, from_s, from_s + 24 * HOUR + HOUR / 2, 24 * HOUR + HOUR / 2);
    timezone_free(zone);
    zone = load("Pacific/Apia"); /* without 2011-12-30 */
    from_s = day(zone, 2011, 12, 28), to_s = day(zone, 2012, 1, 2);
    cut = kairosdb_cut_first(zone, from_s, to_s);
    assert_cut(&cut, from_s, to_s, DAY);
    assert_int_equal((to_s - from_s) / DAY, 4);
    assert_int_equal(kairosdb_cut_day(&cut, day(zone, 2011, 12, 31)), day(zone, 2011, 12, 31));
    timezone_free(zone);
}

static void a_part_of_a_day_is_a_cut_of_its_own_and_that_days(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("Europe/Berlin");
    int64_t day_s = day(zone, 2024, 5, 1);
    struct kairosdb_cut cut = kairosdb_cut_first(zone, day_s + HOUR, day_s + 10 * DAY);
    assert_cut(&cut, day_s + HOUR, day_s + DAY, 23 * HOUR);
    assert_int_equal(kairosdb_cut_day(&cut, day_s + 5 * HOUR), day_s);
    cut = kairosdb_cut_first(zone, day_s, day_s + 2 * DAY + HOUR);
    assert_cut(&cut, day_s, day_s + 2 * DAY + HOUR, DAY);
    assert_int_equal(kairosdb_cut_day(&cut, cut.to_s - 1), day_s + 2 * DAY);
    timezone_free(zone);
}

/* Held against each instant's own day, in zones whose clocks do what few clocks do. */
static void every_instant_is_in_one_cut_and_in_its_own_day(void **state)
{
    (void)state;
    static const char *const names[] = {
        "America/St_Johns",    "America/Havana",      "America/Sao_Paulo",
        "America/Mexico_City", "Australia/Lord_Howe", "Pacific/Apia",
        "Asia/Almaty",         "Africa/Casablanca",   "Antarctica/Troll",
        "Asia/Pyongyang",      "America/Caracas",     "Atlantic/Azores",
        "America/Vancouver",   "America/Edmonton",    "UTC"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct timezone_rules *zone = load(names[i]);
        int64_t from_s = day(zone, 1996, 1, 1) + 5 * HOUR, to_s = day(zone, 2036, 7, 1) + 700;
        for (struct kairosdb_cut cut; from_s < to_s; from_s = cut.to_s) {
            cut = kairosdb_cut_first(zone, from_s, to_s);
            assert_true(cut.from_s == from_s && cut.to_s > from_s && cut.to_s <= to_s);
            assert_true(cut.length_s > 0 &&
                        (cut.to_s - cut.from_s - 1) / cut.length_s < KAIROSDB_CUT_DAYS);
            for (int64_t at_s = cut.from_s; at_s < cut.to_s; at_s += 5 * HOUR + 1799)
                assert_int_equal(kairosdb_cut_day(&cut, at_s), timezone_day_start(zone, at_s, 0));
            assert_int_equal(kairosdb_cut_day(&cut, cut.to_s - 1),
                             timezone_day_start(zone, cut.to_s - 1, 0));
        }
        timezone_free(zone);
    }
}

static void days_become_months_or_stay_days_and_what_does_not_fit_is_said(void **state)
{
    (void)state;
    struct timezone_rules *zone = load("America/Mexico_City");
    int64_t may_s = day(zone, 2024, 5, 1), june_s = day(zone, 2024, 6, 1);
    const struct kairosdb_bucket first[] = {{may_s, 1, 2}, {june_s - DAY, 0.5, 3}};
    const struct kairosdb_bucket second[] = {{june_s, 4, 5}, {june_s + DAY, 8, 6}};
    struct kairosdb_bucket found[4];
    struct err e = {0};
    size_t count = 0;
    assert_true(kairosdb_cut_add(zone, KAIROSDB_MONTHS, first, 2, found, 2, &count, &e));
    assert_true(kairosdb_cut_add(zone, KAIROSDB_MONTHS, second, 2, found, 2, &count, &e));
    assert_int_equal(count, 2);
    assert_true(found[0].start_s == may_s && found[0].sum == 1.5 && found[0].count == 5);
    assert_true(found[1].start_s == june_s && found[1].sum == 12 && found[1].count == 11);
    count = 0;
    assert_true(kairosdb_cut_add(zone, KAIROSDB_DAYS, first, 2, found, 3, &count, &e));
    assert_int_equal(count, 2);
    assert_false(kairosdb_cut_add(zone, KAIROSDB_DAYS, second, 2, found, 3, &count, &e));
    assert_string_equal(e.code, "kairosdb_bad_answer");
    timezone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_is_days_of_24_hours_around_two_that_are_longer_and_shorter),
        cmocka_unit_test(a_day_that_moves_by_half_an_hour_and_one_that_never_was_are_cut_right),
        cmocka_unit_test(a_part_of_a_day_is_a_cut_of_its_own_and_that_days),
        cmocka_unit_test(every_instant_is_in_one_cut_and_in_its_own_day),
        cmocka_unit_test(days_become_months_or_stay_days_and_what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
