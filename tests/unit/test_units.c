/* SEED's codes and exact factors for ESPI's units, and decimal text without rounding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/espi/feed_series.h"
#include "common/espi/units.h"

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

static void gas_by_volume_becomes_therms_by_its_heat_content_alone(void **state)
{
    (void)state;
    struct units_heat heat;
    assert_true(units_heat_read("1037 Btu/ft3", &heat, NULL));
    struct units_seed ft3 = units_seed_of_gas(SEED_NATURAL_GAS, 119, &heat);
    assert_true(ft3.energy);
    assert_int_equal(ft3.unit, SEED_THERMS);
    assert_true(ft3.numerator == 1037 && ft3.denominator == 100000);
    assert_true(units_heat_read("38.3 MJ/m3", &heat, NULL));
    struct units_seed m3 = units_seed_of_gas(SEED_NATURAL_GAS, 42, &heat);
    assert_true(m3.numerator / m3.denominator == 38.3 / 105.505585262);
    struct units_seed gas_ft3 = units_seed_of_gas(SEED_NATURAL_GAS, 119, &heat);
    assert_true(gas_ft3.numerator / m3.numerator == 0.028316846592);
    assert_int_equal(units_seed_of_gas(SEED_WATER, 42, &heat).unit, 1042);
    assert_int_equal(units_seed_of_gas(SEED_NATURAL_GAS, 42, NULL).unit, 1042);
    assert_int_equal(units_seed_of_gas(SEED_NATURAL_GAS, 169, &heat).numerator, 1);
}

static void what_is_no_heat_content_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       "1037",        "0 Btu/ft3", "-1 Btu/ft3",  "nan Btu/ft3", "1 Btu/",
        "1 /ft3", "1 Btu/ft3/h", "inf MJ/m3", "1e300 MJ/m3", "1 cal/m3"};
    struct units_heat heat;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(units_heat_read(wrong[i], &heat, NULL));
}

static void a_row_of_seed_meter_always_tells_its_unit(void **state)
{
    (void)state;
    assert_string_equal(units_seed_name(SEED_KWH), "kWh");
    assert_string_equal(units_seed_name(SEED_THERMS), "therms");
    assert_string_equal(units_seed_name(1042), "m3");
    assert_string_equal(units_seed_name(72), "Wh"); /* as SEED's own tasks wrote it */
    assert_null(units_seed_name(99999));
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
        cmocka_unit_test(gas_by_volume_becomes_therms_by_its_heat_content_alone),
        cmocka_unit_test(what_is_no_heat_content_is_refused),
        cmocka_unit_test(a_row_of_seed_meter_always_tells_its_unit),
        cmocka_unit_test(the_commodity_decides_the_type_before_the_service),
        cmocka_unit_test(scaled_text_is_exact_at_any_exponent),
        cmocka_unit_test(scaled_text_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
