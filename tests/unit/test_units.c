/* SEED's codes and exact factors for ESPI's units, and decimal text without rounding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "meter/espi_series.h"
#include "meter/units.h"

static void energy_in_joules_and_btu_has_an_exact_factor_to_a_seed_unit(void **state)
{
    (void)state;
    struct units_seed wh = units_seed_of(72), joule = units_seed_of(31), btu = units_seed_of(132);
    assert_true(wh.energy && joule.energy && btu.energy);
    assert_int_equal(wh.unit, SEED_WH);
    assert_int_equal(joule.unit, SEED_WH);
    assert_int_equal(joule.denominator, 3600);
    assert_int_equal(btu.unit, SEED_THERMS);
    assert_int_equal(btu.denominator, 100000);
    assert_int_equal(units_seed_of(169).unit, SEED_THERMS);
}

static void a_volume_or_power_is_no_energy_and_still_tells_its_unit(void **state)
{
    (void)state;
    struct units_seed volume = units_seed_of(42), power = units_seed_of(38);
    assert_false(volume.energy);
    assert_false(power.energy);
    assert_int_equal(volume.unit, 1042);
    assert_int_equal(power.unit, 1038);
    assert_int_equal(units_seed_of(ESPI_ABSENT).unit, SEED_UNIT_OF_ESPI);
    assert_int_equal(units_seed_of(INT64_MAX).unit, SEED_UNIT_OF_ESPI);
}

static void the_commodity_decides_the_type_before_the_service(void **state)
{
    (void)state;
    assert_int_equal(units_seed_type(0, ESPI_ABSENT), SEED_ELECTRICITY);
    assert_int_equal(units_seed_type(1, 7), SEED_NATURAL_GAS);
    assert_int_equal(units_seed_type(4, 10), SEED_DISTRICT_STEAM);
    assert_int_equal(units_seed_type(ESPI_ABSENT, 9), SEED_WATER);
    assert_int_equal(units_seed_type(ESPI_ABSENT, ESPI_ABSENT), SEED_OTHER);
}

static void check_text(const char *digits, int64_t exponent, const char *want)
{
    char text[80];
    assert_true(units_scale_text(digits, exponent, text, sizeof text));
    assert_string_equal(text, want);
}

static void scaled_text_is_exact_at_any_exponent(void **state)
{
    (void)state;
    check_text("3481808", -5, "34.81808");
    check_text("12", -5, "0.00012");
    check_text("-100", -2, "-1");
    check_text("-5", -1, "-0.5");
    check_text("0", -3, "0");
    check_text("0", 12, "0");
    check_text("31", 3, "31000");
    check_text("170141183460469231731687303715884105727", -8,
               "1701411834604692317316873037158.84105727");
}

static void scaled_text_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char text[4];
    assert_true(units_scale_text("123", 0, text, sizeof text));
    assert_false(units_scale_text("123", 1, text, sizeof text));
    assert_false(units_scale_text("1", -3, text, sizeof text));
    assert_false(units_scale_text("1", 61, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energy_in_joules_and_btu_has_an_exact_factor_to_a_seed_unit),
        cmocka_unit_test(a_volume_or_power_is_no_energy_and_still_tells_its_unit),
        cmocka_unit_test(the_commodity_decides_the_type_before_the_service),
        cmocka_unit_test(scaled_text_is_exact_at_any_exponent),
        cmocka_unit_test(scaled_text_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
