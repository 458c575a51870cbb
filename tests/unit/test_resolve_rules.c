/* What resolving decides by values alone: reasons, whose a meter is, registers, bills, what is
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/ingest/resolve_rules.h"

static void each_reason_is_told_once_with_its_series_and_readings(void **state)
{
    (void)state;
    struct resolve_reasons reasons = {.count = 0};
    char text[400];
    reasons_text(&reasons, text, sizeof text);
    assert_string_equal(text, "");
    reasons_add(&reasons, "no_meter", 96);
    reasons_add(&reasons, "no_unit", 1);
    reasons_add(&reasons, "no_meter", 4);
    reasons_text(&reasons, text, sizeof text);
    assert_string_equal(text, "no_meter: 2 series, 100 readings; no_unit: 1 series, 1 readings");
}

static void too_many_reasons_are_left_out_and_a_long_text_is_cut(void **state)
{
    (void)state;
    struct resolve_reasons reasons = {.count = 0};
    char code[32], text[40];
    for (int i = 0; i < RESOLVE_REASONS + 5; i++) {
        snprintf(code, sizeof code, "reason_%d", i);
        reasons_add(&reasons, code, 1);
    }
    assert_int_equal(reasons.count, RESOLVE_REASONS);
    reasons_text(&reasons, text, sizeof text);
    assert_int_equal(strlen(text), sizeof text - 1);
}

static void a_multiplier_beyond_any_unit_is_a_fault_of_its_series(void **state)
{
    (void)state;
    struct espi_series s = espi_series_unknown();
    assert_null(series_fault(&s));
    s.power_of_ten_multiplier = 3;
    assert_null(series_fault(&s));
    s.power_of_ten_multiplier = 1000;
    assert_string_equal(series_fault(&s), "bad_multiplier");
    s.power_of_ten_multiplier = -1000;
    assert_string_equal(series_fault(&s), "bad_multiplier");
}

static void a_meters_name_says_what_sets_it_apart(void **state)
{
    (void)state;
    struct series_tags tags = {.values = {[TAG_ENERGY_TYPE] = "electricity",
                                          [TAG_FLOW] = "forward",
                                          [TAG_UOM] = "Wh",
                                          [TAG_INTERVAL] = "900",
                                          [TAG_READING_KIND] = "energy"}};
    char name[METER_NAME];
    meter_name(&tags, name);
    assert_string_equal(name, "GreenButton electricity forward Wh 900 s");
    strcpy(tags.values[TAG_INTERVAL], "unknown");
    strcpy(tags.values[TAG_READING_KIND], "bill");
    meter_name(&tags, name);
    assert_string_equal(name, "GreenButton electricity bill Wh");
}

static void a_second_meter_with_the_same_tags_is_told_apart_once(void **state)
{
    (void)state;
    assert_int_equal(claim_next(SERIES_TAKEN, false, false), CLAIM_DISTINGUISH);
    assert_int_equal(claim_next(SERIES_TAKEN, true, false), CLAIM_DONE);
    assert_int_equal(claim_next(SERIES_OURS, false, false), CLAIM_DONE);
}

static void a_meter_stays_with_the_record_that_named_it_first_until_that_one_stops(void **state)
{
    (void)state;
    assert_int_equal(claim_next(SERIES_ANOTHERS, false, false), CLAIM_APART);
    assert_int_equal(claim_next(SERIES_ANOTHERS, true, true), CLAIM_APART);
    assert_int_equal(claim_next(SERIES_LEFT, false, false), CLAIM_TAKE_OVER);
    assert_int_equal(claim_next(SERIES_LEFT, false, true), CLAIM_APART);
}

static void a_person_decides_what_a_register_is_and_then_what_was_found_before(void **state)
{
    (void)state;
    enum staging_register is;
    assert_true(register_decided("deltas", true, true, &is));
    assert_int_equal(is, STAGING_DELTAS);
    assert_true(register_decided("differences", true, false, &is));
    assert_int_equal(is, STAGING_REGISTER);
    assert_true(register_decided("", true, true, &is));
    assert_int_equal(is, STAGING_REGISTER);
    assert_true(register_decided("", true, false, &is));
    assert_int_equal(is, STAGING_DELTAS);
    assert_false(register_decided("", false, false, &is));
}

static void only_amounts_accumulated_by_a_register_are_judged(void **state)
{
    (void)state;
    struct espi_series s = espi_series_unknown();
    s.uom = 72;
    s.kind = 12;
    s.commodity = 1;
    for (int64_t behaviour = 0; behaviour < 15; behaviour++) {
        s.accumulation_behaviour = behaviour;
        assert_int_equal(is_register_kind(&s), behaviour == 1 || behaviour == 9);
    }
    s.accumulation_behaviour = 1;
    s.uom = 38; /* watts */
    s.kind = 8;
    assert_false(is_register_kind(&s));
}

static struct espi_bill a_bill(void)
{
    return (struct espi_bill){.usage_point = "UsagePoint/1",
                              .start_s = 1767225600,
                              .duration_s = 31 * 86400,
                              .value = 500,
                              .uom = 72,
                              .power_of_ten_multiplier = 3,
                              .service_kind = 0,
                              .commodity = 1,
                              .amount = 100,
                              .updated_s = 1767225600};
}

static void fault_is(struct espi_bill b, const char *expected)
{
    const struct correction none = {.service = ESPI_ABSENT};
    const char *fault = bill_fault(&none, &b);
    if (expected)
        assert_string_equal(fault, expected);
    else
        assert_null(fault);
}

static void a_bill_wants_a_usage_point_a_period_a_unit_and_a_possible_multiplier(void **state)
{
    (void)state;
    struct espi_bill b = a_bill();
    fault_is(b, NULL);
    b.usage_point = NULL;
    fault_is(b, "bill_without_usage_point");
    const struct correction named = {.service = ESPI_ABSENT, .meter = "attic"};
    assert_null(bill_fault(&named, &b));
    b = a_bill();
    b.duration_s = 0;
    fault_is(b, "bill_without_period");
    b = a_bill();
    b.start_s = 1000;
    fault_is(b, "bill_without_period");
    b.start_s = INT64_C(1767225600000);
    fault_is(b, "bill_without_period");
    b = a_bill();
    b.uom = ESPI_ABSENT;
    fault_is(b, "bill_without_unit");
    b.value = ESPI_ABSENT; /* an amount of money has no unit */
    fault_is(b, NULL);
    b = a_bill();
    b.power_of_ten_multiplier = 99;
    fault_is(b, "bill_multiplier");
}

static void a_bill_is_of_the_named_meter_but_has_its_own_multiplier_and_time(void **state)
{
    (void)state;
    const struct correction c = {.has_multiplier = true,
                                 .multiplier = 6,
                                 .shift_s = 3600,
                                 .meter = "attic",
                                 .service = ESPI_ABSENT};
    struct espi_bill b = a_bill();
    b.usage_point = NULL;
    const struct espi_series s = bill_series(&c, &b);
    assert_string_equal(s.usage_point, "attic");
    assert_int_equal(s.uom, 72);
    assert_true(s.power_of_ten_multiplier == ESPI_ABSENT);
    b.value = ESPI_ABSENT;
    assert_true(bill_series(&c, &b).uom == ESPI_ABSENT);
}

static void a_bills_meter_is_one_of_its_own_however_long_its_name(void **state)
{
    (void)state;
    struct series_tags tags = {.values = {[TAG_CUSTOM_METER_ID] = "01"}};
    bill_tags(&tags);
    assert_string_equal(tags.values[TAG_CUSTOM_METER_ID], "01.bill");
    assert_string_equal(tags.values[TAG_READING_KIND], "bill");
    memset(tags.values[TAG_CUSTOM_METER_ID], 'x', SERIES_TAG_BYTES - 1);
    bill_tags(&tags);
    assert_int_equal(strlen(tags.values[TAG_CUSTOM_METER_ID]), SERIES_TAG_BYTES - 1);
    assert_string_equal(tags.values[TAG_CUSTOM_METER_ID] + SERIES_TAG_BYTES - 6, ".bill");
}

static void problems_are_told_once_a_code_with_their_first_location(void **state)
{
    (void)state;
    const struct espi_problem a = {.code = "no_unit", .count = 2, .line = 7, .where = "uom"},
                              b = {.code = "ambiguous_link",
                                   .count = 1,
                                   .line = 9,
                                   .where = "MeterReading"},
                              c = {.code = "no_unit", .count = 3, .line = 30, .where = "uom"},
                              counted = {
                                  .code = "no_value", .count = 3, .line = 3, .where = "value"};
    const struct espi_problem *problems[] = {&a, &b, &counted, &c};
    char text[400], little[20];
    told_text(problems, 4, 2, text, sizeof text);
    assert_string_equal(text, "no_unit: 5, first at line 7 (uom); ambiguous_link: 1, first at line "
                              "9 (MeterReading); meter_of_another_record: 2, kept apart");
    told_text(problems, 4, 2, little, sizeof little);
    assert_int_equal(strlen(little), sizeof little - 1);
    told_text(problems, 0, 0, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_told_once_with_its_series_and_readings),
        cmocka_unit_test(too_many_reasons_are_left_out_and_a_long_text_is_cut),
        cmocka_unit_test(a_multiplier_beyond_any_unit_is_a_fault_of_its_series),
        cmocka_unit_test(a_meters_name_says_what_sets_it_apart),
        cmocka_unit_test(a_second_meter_with_the_same_tags_is_told_apart_once),
        cmocka_unit_test(a_meter_stays_with_the_record_that_named_it_first_until_that_one_stops),
        cmocka_unit_test(a_person_decides_what_a_register_is_and_then_what_was_found_before),
        cmocka_unit_test(only_amounts_accumulated_by_a_register_are_judged),
        cmocka_unit_test(a_bill_wants_a_usage_point_a_period_a_unit_and_a_possible_multiplier),
        cmocka_unit_test(a_bill_is_of_the_named_meter_but_has_its_own_multiplier_and_time),
        cmocka_unit_test(a_bills_meter_is_one_of_its_own_however_long_its_name),
        cmocka_unit_test(problems_are_told_once_a_code_with_their_first_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
