/* Numbers, instants and hrefs as feeds write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "meter/espi_series.h"
#include "meter/espi_text.h"

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
    check_number(".5", ESPI_NUMBER_BAD, ESPI_ABSENT);
    check_number("1.2.3", ESPI_NUMBER_BAD, ESPI_ABSENT);
}

static void fractions_are_rounded_down(void **state)
{
    (void)state;
    check_number("1721154384.66136", ESPI_NUMBER_FRACTION, 1721154384);
    check_number("-1.5", ESPI_NUMBER_FRACTION, -2);
    check_number("-0.5", ESPI_NUMBER_FRACTION, -1);
}

static void check_instant(const char *text, int64_t want)
{
    assert_int_equal(espi_text_instant(text, strlen(text)), want);
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
        cmocka_unit_test(instants_are_read_with_offsets_and_fractions),
        cmocka_unit_test(what_is_no_instant_is_absent),
        cmocka_unit_test(hrefs_compare_without_host_and_outer_slashes),
        cmocka_unit_test(the_parent_of_an_href_is_without_its_last_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
