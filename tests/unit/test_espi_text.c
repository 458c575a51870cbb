/* Numbers, instants and hrefs as feeds write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/espi/feed_series.h"
#include "common/espi/element_text.h"

static void check_number(const char *text, enum espi_number want, int64_t value)
{
    int64_t found = 12345;
    if (espi_text_number(text, strlen(text), &found) != want || found != value)
        fail_msg("\"%s\" gave %lld", text, (long long)found);
}

static void whole_numbers_are_read_with_any_blanks_and_sign(void **state)
{
    (void)state;
    check_number("0", ESPI_NUMBER_OK, 0);
    check_number(" \n-17\t", ESPI_NUMBER_OK, -17);
    check_number("+8", ESPI_NUMBER_OK, 8);
    check_number("007", ESPI_NUMBER_OK, 7);
    check_number("9223372036854775807", ESPI_NUMBER_OK, INT64_MAX);
    check_number("-9223372036854775807", ESPI_NUMBER_OK, -INT64_MAX);
    check_number("999999999999999999", ESPI_NUMBER_OK, 999999999999999999);
    check_number("5.", ESPI_NUMBER_OK, 5);
    check_number("5.000", ESPI_NUMBER_OK, 5);
}

static void what_is_no_number_within_64_bits_is_absent(void **state)
{
    (void)state;
    check_number("", ESPI_NUMBER_EMPTY, ESPI_ABSENT);
    check_number("  ", ESPI_NUMBER_EMPTY, ESPI_ABSENT);
    check_number("-9223372036854775808", ESPI_NUMBER_BAD, ESPI_ABSENT); /* stands for absent */
    check_number("9223372036854775808", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("12a", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("1 2", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("1e5", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("-", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number(".", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("1.2.3", ESPI_NUMBER_BAD, ESPI_ABSENT);
}

static void fractions_are_rounded_down(void **state)
{
    (void)state;
    check_number("1721154384.66136", ESPI_NUMBER_FRACTION, 1721154384);
    check_number("-1.5", ESPI_NUMBER_FRACTION, -2);
    check_number("-0.5", ESPI_NUMBER_FRACTION, -1);
    check_number(".5", ESPI_NUMBER_FRACTION, 0);
    check_number("1721154384.661360000000000000000001", ESPI_NUMBER_FRACTION, 1721154384);
}

static void check_decimal(const char *text, int64_t value, int exponent)
{
    int64_t found = 12345;
    int32_t places = 99;
    enum espi_number is = espi_text_decimal(text, strlen(text), &found, &places);
    if (is != ESPI_NUMBER_OK || found != value || places != exponent)
        fail_msg("\"%s\" gave %d: %lldE%d", text, (int)is, (long long)found, (int)places);
}

static void decimals_are_exact_with_as_many_places_as_fit(void **state)
{
    (void)state;
    check_decimal("0.62", 62, -2);
    check_decimal("2", 2, 0);
    check_decimal(" 1.380 ", 138, -2);
    check_decimal("-.5", -5, -1);
    check_decimal("+5.", 5, 0);
    check_decimal("0.000", 0, 0);
    check_decimal("1e3", 1000, 0);
    check_decimal("1.25E+1", 125, -1);
    check_decimal("1500e-3", 15, -1);
    check_decimal("0e99999999999", 0, 0);
    check_decimal("0.6200000000000001", 6200000000000001, -16);
    check_decimal("0.000000000000000000000000000001", 1, -30);
    check_decimal("9223372036854775807", INT64_MAX, 0);
    check_decimal("-92233720368547758.07", -INT64_MAX, -2);
    check_decimal("1.00000000000000000000000000000000000000000000000000", 1, 0);
}

static void what_does_not_fit_or_is_ambiguous_is_no_decimal(void **state)
{
    (void)state;
    static const char *const texts[] = {"1,234",
                                        "0,62",
                                        "1.234,5",
                                        "1 234",
                                        "12a",
                                        "n/a",
                                        "-",
                                        ".",
                                        "e5",
                                        "1e",
                                        "1e1e1",
                                        "1.2.3",
                                        "0x10",
                                        "NaN",
                                        "inf",
                                        "--1",
                                        "1-",
                                        "1e+",
                                        "1e20",
                                        "1e-31",
                                        "1e9999",
                                        "1e-99999",
                                        "92233720368547758.08",
                                        "123.45600000000000591"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t value = 1;
        int32_t exponent = 1;
        if (espi_text_decimal(texts[i], strlen(texts[i]), &value, &exponent) != ESPI_NUMBER_BAD ||
            value != ESPI_ABSENT || exponent != 0)
            fail_msg("\"%s\" is a number", texts[i]);
    }
    assert_true(espi_text_has_digit("1,234", 5));
    assert_false(espi_text_has_digit("n/a", 3));
}

static void check_instant(const char *text, int64_t want)
{
    assert_int_equal(espi_text_instant(text, strlen(text)), want);
}

static void a_digit_of_any_script_shows_that_a_number_was_meant(void **state)
{
    (void)state;
    static const char *const numbers[] = {"1,5",          "\xef\xbc\x91", "\xd9\xa1\xd9\xa2",
                                          "\xe0\xa5\xa7", "\xc2\xbd",     "\xf0\x9d\x9f\x8f",
                                          "x\xe2\x85\xa7"};
    static const char *const others[] = {"",
                                         "n/a",
                                         "\xe2\x80\x94",
                                         ("donn\xc3\xa9"
                                          "es"),
                                         "\xe3\x8e\xa5",
                                         "\xef\xbc"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t value;
        int32_t places;
        assert_true(espi_text_has_digit(numbers[i], strlen(numbers[i])));
        assert_int_equal(espi_text_decimal(numbers[i], strlen(numbers[i]), &value, &places),
                         ESPI_NUMBER_BAD);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(espi_text_has_digit(others[i], strlen(others[i])));
}

static void instants_are_read_with_offsets_and_fractions(void **state)
{
    (void)state;
    check_instant("1970-01-01T00:00:00Z", 0);
    check_instant("2024-02-29T12:00:00Z", 1709208000);
    check_instant(" 2024-08-29T13:39:27.383685+00:00 ", 1724938767);
    check_instant("2026-03-08T01:59:00-05:00", 1772953140);
    check_instant("2016-07-07T02:32:02", 1467858722);
    check_instant("1969-12-31T23:59:59Z", -1);
}

static void what_is_no_instant_is_absent(void **state)
{
    (void)state;
    check_instant("", ESPI_ABSENT);
    check_instant("2024-13-01T00:00:00Z", ESPI_ABSENT);
    check_instant("2024-01-01", ESPI_ABSENT);
    check_instant("2024-01-01T00:00:00X", ESPI_ABSENT);
    check_instant("2024-01-01T00:00:00+5", ESPI_ABSENT);
    check_instant("24-01-01T00:00:00Z", ESPI_ABSENT);
}

static void check_href(const char *text, const char *want)
{
    size_t len;
    const char *href = espi_text_href(text, strlen(text), &len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(href, want, len);
}

static void hrefs_compare_without_host_and_outer_slashes(void **state)
{
    (void)state;
    check_href("https://a.example:8443/espi/1_1/UsagePoint/1", "espi/1_1/UsagePoint/1");
    check_href("/espi/1_1/UsagePoint/1/", "espi/1_1/UsagePoint/1");
    check_href(" espi/1_1/UsagePoint/1\n", "espi/1_1/UsagePoint/1");
    check_href("https://a.example", "");
    check_href("https://a.example/", "");
    check_href("//", "");
    check_href("", "");
    check_href("urn:uuid:1", "urn:uuid:1");
}

static void the_parent_of_an_href_is_without_its_last_segment(void **state)
{
    (void)state;
    assert_int_equal(espi_text_parent("a/b/c", 5), 3);
    assert_int_equal(espi_text_parent("a/b//c", 6), 3);
    assert_int_equal(espi_text_parent("a", 1), 0);
    assert_int_equal(espi_text_parent("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read_with_any_blanks_and_sign),
        cmocka_unit_test(what_is_no_number_within_64_bits_is_absent),
        cmocka_unit_test(fractions_are_rounded_down),
        cmocka_unit_test(decimals_are_exact_with_as_many_places_as_fit),
        cmocka_unit_test(what_does_not_fit_or_is_ambiguous_is_no_decimal),
        cmocka_unit_test(a_digit_of_any_script_shows_that_a_number_was_meant),
        cmocka_unit_test(instants_are_read_with_offsets_and_fractions),
        cmocka_unit_test(what_is_no_instant_is_absent),
        cmocka_unit_test(hrefs_compare_without_host_and_outer_slashes),
        cmocka_unit_test(the_parent_of_an_href_is_without_its_last_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
