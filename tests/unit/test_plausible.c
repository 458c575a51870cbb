/* Which amounts, prices and powers no building can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/espi/plausible.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

static struct espi_series series(int64_t service, int64_t uom, int64_t multiplier)
{
    struct espi_series s = espi_series_unknown();
    s.meter_reading = "MeterReading/1";
    s.service_kind = service;
    s.uom = uom;
    s.power_of_ten_multiplier = multiplier;
    s.flow_direction = 1;
    s.accumulation_behaviour = 4;
    s.currency = 840;
    return s;
}

/* So many readings of one value, each with this cost. */
static struct plausible_sums sums_of(int count, int64_t value, int64_t length_s, int64_t cost)
{
    struct plausible p = {0};
    struct err e;
    for (int i = 0; i < count; i++) {
        const struct espi_reading r = {.start_s = 1751342400 + i * length_s,
                                       .duration_s = length_s,
                                       .value = value,
                                       .cost = cost,
                                       .placed = true};
        assert_true(plausible_note(&p, &r, &e));
    }
    struct plausible_sums sums = p.groups[0];
    plausible_free(&p);
    return sums;
}

static bool amount_can_be(struct espi_series s, int count, int64_t value, int64_t length_s)
{
    char figure[PLAUSIBLE_FIGURE];
    struct plausible_sums sums = sums_of(count, value, length_s, ESPI_ABSENT);
    bool right = plausible_amount(&s, &sums, figure);
    assert_int_equal(right, figure[0] == '\0');
    return right;
}

static void watt_hours_under_a_multiplier_of_kilo_are_no_houses(void **state)
{
    (void)state;
    assert_false(amount_can_be(series(0, 72, 3), 3, 1880, HOUR)); /* Wh called kWh */
    assert_false(amount_can_be(series(0, 72, 3), 3, 300, HOUR));
    assert_false(amount_can_be(series(0, 72, 6), 3, 2, HOUR));
    assert_true(amount_can_be(series(0, 72, 3), 3, 12, HOUR)); /* kWh */
    assert_true(amount_can_be(series(0, 72, 0), 3, 1880, HOUR));
    assert_true(amount_can_be(series(0, 72, 0), 3, 900000, HOUR));   /* a large building */
    assert_false(amount_can_be(series(0, 72, 0), 3, 1880000, HOUR)); /* mWh called Wh */
    assert_true(amount_can_be(series(0, 72, -3), 3, 1880000, HOUR));
    assert_false(amount_can_be(series(0, 72, 3), 4, 470, 900)); /* a quarter of an hour */
    assert_true(amount_can_be(series(0, 72, 3), 30, 40, DAY));
    assert_true(amount_can_be(series(0, 72, 3), 1, 900, 30 * DAY));
    assert_true(amount_can_be(series(0, 72, 3), 3, 0, HOUR));
    assert_true(amount_can_be(series(0, 38, 3), 3, 1880, HOUR)); /* power is not summed */
}

static void kilowatt_hours_called_watt_hours_are_too_little(void **state)
{
    (void)state;
    assert_false(amount_can_be(series(0, 72, 0), 30, 28, DAY));
    assert_false(amount_can_be(series(0, 72, -3), 48, 1500, HOUR));
    assert_true(amount_can_be(series(0, 72, 0), 30, 28000, DAY));
    assert_true(amount_can_be(series(0, 72, 0), 5, 1, HOUR)); /* not even a day */
    struct espi_series reverse = series(0, 72, 0);
    reverse.flow_direction = 19;
    assert_true(amount_can_be(reverse, 30, 28, DAY));
}

static void readings_of_no_length_are_as_long_as_they_lie_apart(void **state)
{
    (void)state;
    struct espi_series s = series(0, 72, 3);
    struct plausible p = {0};
    struct err e;
    char figure[PLAUSIBLE_FIGURE];
    for (int i = 0; i < 3; i++) {
        const struct espi_reading r = {.start_s = 1751342400 + i * HOUR,
                                       .duration_s = ESPI_ABSENT,
                                       .value = 5640,
                                       .cost = ESPI_ABSENT,
                                       .placed = true};
        assert_true(plausible_note(&p, &r, &e));
    }
    assert_false(plausible_amount(&s, &p.groups[0], figure));
    assert_string_equal(figure, "5640 kW on average");
    plausible_free(&p);
}

static void gas_and_water_have_limits_of_their_own(void **state)
{
    (void)state;
    assert_true(amount_can_be(series(1, 169, 0), 30, 4, DAY));
    assert_false(amount_can_be(series(1, 169, 0), 24, 90, HOUR));
    assert_false(amount_can_be(series(1, 169, 3), 30, 400, DAY)); /* thousands of therms a day */
    assert_true(amount_can_be(series(1, 119, 2), 30, 5, DAY));    /* CCF */
    assert_false(amount_can_be(series(1, 119, 2), 30, 500, DAY)); /* ft3 called CCF */
    assert_true(amount_can_be(series(2, 128, 0), 30, 300, DAY));
    assert_false(amount_can_be(series(2, 42, 0), 24, 300, HOUR)); /* litres called m3 */
    assert_false(amount_can_be(series(2, 128, 3), 30, 300000, DAY));
}

static void what_may_be_a_register_is_judged_once_it_has_fallen(void **state)
{
    (void)state;
    struct espi_series s = series(0, 72, 3);
    struct plausible_sums sums = sums_of(3, 70000, HOUR, ESPI_ABSENT);
    char figure[PLAUSIBLE_FIGURE];
    s.accumulation_behaviour = 1;
    assert_true(plausible_amount(&s, &sums, figure));
    sums.has_fallen = true;
    assert_false(plausible_amount(&s, &sums, figure));
}

/* cost: of value, in hundred-thousandths */
static bool price_can_be(struct espi_series s, int64_t value, int64_t cost)
{
    char figure[PLAUSIBLE_FIGURE];
    struct plausible_sums sums = sums_of(3, value, HOUR, cost);
    return plausible_price(&s, &sums, figure);
}

static void a_kilowatt_hour_costs_two_cents_to_three(void **state)
{
    (void)state;
    struct espi_series kwh = series(0, 72, 0), yen = kwh;
    yen.currency = 392;
    assert_true(price_can_be(kwh, 1000, 12000));
    assert_true(price_can_be(kwh, 1000, 2001));
    assert_true(price_can_be(kwh, 1000, 299999));
    assert_false(price_can_be(kwh, 1000, 1999));
    assert_false(price_can_be(kwh, 1000, 300001));
    assert_false(price_can_be(kwh, 1000, 120));     /* in 1/1000 */
    assert_false(price_can_be(kwh, 1000, 12));      /* in cents */
    assert_false(price_can_be(kwh, 1000, 1200000)); /* scaled by the multiplier */
    assert_true(price_can_be(kwh, 1000, 0));        /* without cost, nothing is known */
    assert_true(price_can_be(kwh, 1000, ESPI_ABSENT));
    assert_true(price_can_be(kwh, 0, 12000));
    assert_true(price_can_be(yen, 1000, 3000000));
    assert_true(price_can_be(series(0, 72, -3), 1000000, 12000));
    assert_true(price_can_be(series(0, 31, 0), 3600000, 12000));
}

static void gas_heat_and_water_have_prices_of_their_own(void **state)
{
    (void)state;
    assert_true(price_can_be(series(1, 169, 0), 1, 120000));
    assert_false(price_can_be(series(1, 169, 1), 1, 120000)); /* ten therms called one */
    assert_false(price_can_be(series(1, 169, -1), 1, 120000));
    assert_false(price_can_be(series(1, 169, 0), 1, 1200));
    assert_true(price_can_be(series(1, 42, 0), 1, 50000));
    assert_false(price_can_be(series(1, 42, 0), 1, 500));
    assert_true(price_can_be(series(1, 119, 2), 1, 130000)); /* CCF */
    assert_false(price_can_be(series(1, 119, 0), 1, 130000));
    assert_true(price_can_be(series(2, 42, 0), 1, 300000));
    assert_false(price_can_be(series(2, 42, 0), 1, 3000));
    assert_true(price_can_be(series(2, 128, 0), 100, 100000));
    assert_false(price_can_be(series(2, 128, 3), 100, 100000));
    assert_true(price_can_be(series(4, 72, 3), 1, 8000));
    assert_false(price_can_be(series(4, 72, 3), 1, 80));
    assert_true(price_can_be(series(9, 72, 0), 1, 1)); /* a service without a price to tell */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watt_hours_under_a_multiplier_of_kilo_are_no_houses),
        cmocka_unit_test(kilowatt_hours_called_watt_hours_are_too_little),
        cmocka_unit_test(readings_of_no_length_are_as_long_as_they_lie_apart),
        cmocka_unit_test(gas_and_water_have_limits_of_their_own),
        cmocka_unit_test(what_may_be_a_register_is_judged_once_it_has_fallen),
        cmocka_unit_test(a_kilowatt_hour_costs_two_cents_to_three),
        cmocka_unit_test(gas_heat_and_water_have_prices_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
