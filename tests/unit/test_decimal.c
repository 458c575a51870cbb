/* What the conversion of scaled integers into KairosDB's numbers promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <math.h>

#include "common/base/decimal.h"

static void a_scaled_integer_is_the_double_nearest_to_its_decimal(void **state)
{
    (void)state;
    const struct {
        int64_t value, exponent;
        double expected;
    } cases[] = {{217, -3, 0.217},
                 {1, -1, 0.1},
                 {-5, -5, -0.00005},
                 {12, 3, 12000.0},
                 {140737488355327, -12, 140.737488355327},
                 {INT64_MAX, -6, 9223372036854.775807},
                 {3, 23, 3e23},
                 {0, 9, 0.0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double scaled;
        assert_true(decimal_scale(cases[i].value, cases[i].exponent, &scaled));
        assert_true(scaled == cases[i].expected);
    }
}

static void an_exponent_no_unit_has_is_refused(void **state)
{
    (void)state;
    double scaled = 7;
    assert_false(decimal_scale(1, 31, &scaled));
    assert_false(decimal_scale(1, INT64_MIN, &scaled));
    assert_true(scaled == 7);
}

static void every_printed_number_has_a_dot_and_reads_back_the_same(void **state)
{
    (void)state;
    const double values[] = {0,     -0.0, 1,   5,   1e5,  1e20,
                             1e300, 5e-3, 2.5, 0.1, 1e-7, -123456789012.0};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[DECIMAL_TEXT];
        assert_true(decimal_print(values[i], text));
        assert_non_null(strchr(text, '.'));
        assert_true(strtod(text, NULL) == values[i]);
    }
}

static void what_is_not_finite_is_not_printed(void **state)
{
    (void)state;
    char text[DECIMAL_TEXT];
    assert_false(decimal_print((double)NAN, text));
    assert_false(decimal_print((double)INFINITY, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scaled_integer_is_the_double_nearest_to_its_decimal),
        cmocka_unit_test(an_exponent_no_unit_has_is_refused),
        cmocka_unit_test(every_printed_number_has_a_dot_and_reads_back_the_same),
        cmocka_unit_test(what_is_not_finite_is_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
