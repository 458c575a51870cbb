/* What a person may say of a feed, and what becomes of its readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/espi/correction.h"

static struct correction_words words(void)
{
    return (struct correction_words){"", "", "", "", ""};
}

static bool reads(struct correction_words w, struct correction *c)
{
    struct err e = {0};
    bool right = correction_read(&w, c, &e);
    if (!right)
        assert_string_equal(e.code, "bad_option");
    return right;
}

static void nothing_said_changes_nothing(void **state)
{
    (void)state;
    struct correction c;
    assert_true(reads(words(), &c));
    const int64_t values[] = {ESPI_ABSENT, INT64_MIN + 1, -1, 0, 1, 1751328000, INT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(correction_start(&c, values[i]), values[i]);
        assert_int_equal(correction_duration(&c, values[i]), values[i]);
        assert_int_equal(correction_cost(&c, values[i]), values[i]);
    }
    struct espi_series s = espi_series_unknown(), same = correction_series(&c, &s);
    assert_memory_equal(&s, &same, sizeof s);
}

static void only_what_is_documented_can_be_said(void **state)
{
    (void)state;
    struct correction c;
    const char *const multipliers[] = {"x", "0.001", "13", "-13", " 3", "3 ", "0x3", "1e3", "+-1"};
    const char *const scales[] = {
        "100",           "0",  "-3",     "0.002", "1/", "1/2", "1/10000000000000", "0.0",
        "0.00000000001", ".1", "1/1000 "};
    const char *const shifts[] = {"1h", "31622401", "-31622401", "millisecond", " 60"};
    const char *const meters[] = {
        "a/b", "a b", "a\x7f", "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < sizeof multipliers / sizeof *multipliers; i++) {
        struct correction_words w = words();
        w.multiplier = multipliers[i];
        assert_false(reads(w, &c));
    }
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct correction_words w = words();
        w.cost_scale = scales[i];
        assert_false(reads(w, &c));
    }
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        struct correction_words w = words();
        w.shift = shifts[i];
        assert_false(reads(w, &c));
    }
    for (size_t i = 0; i < sizeof meters / sizeof *meters; i++) {
        struct correction_words w = words();
        w.meter = meters[i];
        assert_false(reads(w, &c));
    }
    struct correction_words w = words();
    w.service = "Electricity";
    assert_false(reads(w, &c));
}

static int64_t cost_under(const char *scale, int64_t cost)
{
    struct correction_words w = words();
    struct correction c;
    w.cost_scale = scale;
    assert_true(reads(w, &c));
    return correction_cost(&c, cost);
}

static void costs_become_hundred_thousandths(void **state)
{
    (void)state;
    assert_int_equal(cost_under("0.001", 210), 21000);
    assert_int_equal(cost_under("1/1000", -210), -21000);
    assert_int_equal(cost_under("1", 3), 300000);
    assert_int_equal(cost_under("0.00001", 7), 7);
    assert_int_equal(cost_under("0.00000001", 21000499), 21000);
    assert_int_equal(cost_under("0.00000001", 21000500), 21001);
    assert_int_equal(cost_under("0.00000001", -21000500), -21001);
    assert_int_equal(cost_under("1", INT64_MAX), ESPI_ABSENT);
    assert_int_equal(cost_under("1", ESPI_ABSENT), ESPI_ABSENT);
}

static void starts_are_shifted_or_taken_as_milliseconds(void **state)
{
    (void)state;
    struct correction_words w = words();
    struct correction c;
    w.shift = "-3600";
    assert_true(reads(w, &c));
    assert_int_equal(correction_start(&c, 1751331600), 1751328000);
    assert_int_equal(correction_start(&c, INT64_MIN + 2), ESPI_ABSENT);
    assert_int_equal(correction_duration(&c, 3600000), 3600000);
    w.shift = "milliseconds";
    assert_true(reads(w, &c));
    assert_int_equal(correction_start(&c, 1751331600999), 1751331600);
    assert_int_equal(correction_start(&c, -1), -1);
    assert_int_equal(correction_start(&c, INT64_MAX), INT64_MAX / 1000);
    assert_int_equal(correction_duration(&c, 3600), 3600);
    assert_int_equal(correction_duration(&c, 900000), 900);
    assert_int_equal(correction_duration(&c, 86400000), 86400);
    assert_int_equal(correction_duration(&c, 2592000), 2592000); /* thirty days */
}

static void a_meter_is_named_where_the_feed_has_none_and_its_type_is_known(void **state)
{
    (void)state;
    struct correction_words w = words();
    struct correction c;
    struct espi_series bare = espi_series_unknown(), typed, untyped = bare, other = bare;
    w.meter = "house";
    w.service = "gas";
    assert_true(reads(w, &c));
    bare.unresolved = untyped.unresolved = "no_meter_reading";
    typed = bare;
    typed.reading_type_link = ESPI_LINK_ONLY;
    typed.uom = 169;
    typed.commodity = 1;
    typed = correction_series(&c, &typed);
    assert_null(typed.unresolved);
    assert_string_equal(typed.usage_point, "house");
    assert_int_equal(typed.service_kind, 1);
    assert_int_equal(typed.commodity, ESPI_ABSENT); /* electricity's: a person says gas */
    untyped = correction_series(&c, &untyped);
    assert_string_equal(untyped.unresolved, "no_meter_reading");
    other.usage_point = "UsagePoint/1";
    other.commodity = 8;
    other = correction_series(&c, &other);
    assert_string_equal(other.usage_point, "UsagePoint/1");
    assert_int_equal(other.commodity, 8); /* propane is a gas */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_changes_nothing),
        cmocka_unit_test(only_what_is_documented_can_be_said),
        cmocka_unit_test(costs_become_hundred_thousandths),
        cmocka_unit_test(starts_are_shifted_or_taken_as_milliseconds),
        cmocka_unit_test(a_meter_is_named_where_the_feed_has_none_and_its_type_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
