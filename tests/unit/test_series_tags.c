/* What the identity of a series promises: stable, safe, and never shared by two meters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/espi/service.h"
#include "common/kairosdb/series_tags.h"

static struct espi_series hourly(void)
{
    return (struct espi_series){.usage_point = "espi/1_1/resource/Subscription/5/UsagePoint/01",
                                .meter_reading = "espi/UsagePoint/01/MeterReading/1",
                                .service_kind = 0,
                                .commodity = 1,
                                .kind = 12,
                                .uom = 72,
                                .power_of_ten_multiplier = -3,
                                .flow_direction = 1,
                                .accumulation_behaviour = 4,
                                .interval_length = 3600,
                                .currency = 840,
                                .phase = ESPI_ABSENT,
                                .data_qualifier = 12,
                                .tou = ESPI_ABSENT,
                                .cpp = ESPI_ABSENT,
                                .consumption_tier = ESPI_ABSENT};
}

static struct series_tags tags_of(struct espi_series s)
{
    struct err e = {0};
    struct series_tags tags = {0};
    if (!series_tags_of(&s, "42", &tags, &e))
        fail_msg("%s: %s", e.code, e.text);
    return tags;
}

static void the_tags_are_the_seeds_and_the_flow(void **state)
{
    (void)state;
    struct series_tags tags = tags_of(hourly());
    char key[SERIES_KEY_BYTES];
    assert_string_equal(
        series_tags_key(&tags, key),
        "canonical_id=42,custom_meter_id=01,energy_type=electricity,energy_type_int=0,"
        "flow=forward,interval=3600,reading_kind=energy,reading_kind_int=12,uom=Wh,"
        "uom_int=72");
}

static void tags_survive_json(void **state)
{
    (void)state;
    struct series_tags tags = tags_of(hourly()), back = {0};
    struct err e = {0};
    struct buf b CLEANUP(buf_free) = buf_make(4096);
    assert_true(series_tags_json(&tags, &b, &e));
    assert_true(series_tags_read(b.data, &back, &e));
    for (int i = 0; i < SERIES_TAGS; i++)
        assert_string_equal(tags.values[i], back.values[i]);
    assert_false(series_tags_read("{\"uom\":\"Wh\"}", &back, &e));
    assert_string_equal(e.code, "bad_tags");
}

static void assert_service(int64_t category, int64_t commodity, int64_t uom, int64_t want,
                           bool want_conflict)
{
    struct espi_series s = hourly();
    bool conflict;
    s.service_kind = category;
    s.commodity = commodity;
    s.uom = uom;
    int64_t service = series_service(&s, &conflict);
    if (service != want || conflict != want_conflict)
        fail_msg("category %d commodity %d uom %d: %d, %s", (int)category, (int)commodity, (int)uom,
                 (int)service, conflict ? "conflict" : "no conflict");
}

static void the_type_decides_what_is_metered_and_a_contradiction_is_told(void **state)
{
    (void)state;
    const int64_t none = ESPI_ABSENT;
    assert_service(0, 1, 72, 0, false);
    assert_service(0, none, 72, 0, false);
    assert_service(0, 7, 169, 1, true);    /* electricity, natural gas in therms */
    assert_service(0, none, 169, 1, true); /* electricity in therms: gas */
    assert_service(0, 1, 169, 0, true);    /* two say electricity */
    assert_service(0, 7, 119, 1, true);
    assert_service(0, none, 119, 0, true); /* gas or water: not guessed */
    assert_service(0, 9, 128, 2, true);
    assert_service(1, 1, 72, 0, true);
    assert_service(2, 7, 42, 1, true);
    assert_service(1, 9, 42, 2, true);
    assert_service(2, none, 72, 2, true);
    assert_service(1, none, 71, 1, true);  /* gas in VAh */
    assert_service(1, none, 72, 1, false); /* gas in Wh: Britain's meters */
    assert_service(1, 8, 42, 1, false);
    assert_service(4, 10, 31, 4, false);
    assert_service(6, 9, 42, 6, false);
    assert_service(none, 8, 42, 1, false);
    assert_service(none, 1, 72, 0, false);
    assert_service(none, none, 72, none, false);
    assert_service(none, 1, 169, 0, true); /* nothing but the type: electricity in therms */
    assert_service(none, 7, 63, 1, true);
    assert_service(none, 9, 72, 2, true);
    assert_service(0, 0, 72, 0, false);
    assert_service(3, none, 119, 3, false); /* a category that is no commodity's */
}

static void tags_name_what_is_metered_by_the_type_that_decided(void **state)
{
    (void)state;
    struct espi_series gas = hourly();
    gas.commodity = 7;
    gas.uom = 169;
    struct series_tags tags = tags_of(gas), before = tags;
    assert_string_equal(tags.values[TAG_ENERGY_TYPE], "gas");
    assert_string_equal(tags.values[TAG_ENERGY_TYPE_INT], "1");
    series_tags_of_category(&gas, &before);
    assert_string_equal(before.values[TAG_ENERGY_TYPE], "electricity");
    assert_string_equal(before.values[TAG_ENERGY_TYPE_INT], "0");
}

static struct series_energy energy_of(struct espi_series s, const char *scope)
{
    char source[SERIES_KEY_BYTES];
    struct series_energy energy;
    assert_true(series_energy_of(&s, "42", series_source(&s, scope, source), &energy));
    return energy;
}

static void assert_same_energy(struct espi_series counts, struct espi_series other)
{
    struct series_energy a = energy_of(counts, "sub-1"), b = energy_of(other, "sub-1");
    assert_string_equal(a.group, b.group);
    if (!strcmp(a.part, b.part))
        assert_true(a.rank < b.rank);
    else
        assert_string_equal(a.part, "");
}

static void series_of_one_usage_point_are_the_same_energy(void **state)
{
    (void)state;
    struct espi_series hour = hourly(), quarter = hour, net = hour, total = hour, reg = hour,
                       peak = hour, kvarh = hour, reverse = hour, power = hour;
    struct series_energy energy;
    quarter.interval_length = 900;
    net.flow_direction = 4;
    total.flow_direction = 20;
    reg.accumulation_behaviour = 9;
    peak.tou = 1;
    kvarh.uom = 73;
    reverse.flow_direction = 19;
    power.uom = 38;
    assert_same_energy(quarter, hour);
    assert_same_energy(hour, net);
    assert_same_energy(net, total);
    assert_same_energy(hour, reg);
    assert_same_energy(hour, peak);
    assert_string_not_equal(energy_of(hour, "a").group, energy_of(kvarh, "a").group);
    assert_string_not_equal(energy_of(hour, "a").group, energy_of(reverse, "a").group);
    assert_string_not_equal(energy_of(hour, "a").group, energy_of(hour, "b").group);
    assert_false(series_energy_of(&power, "42", "x@a", &energy));
    struct espi_series therms = hour, volume = hour;
    therms.service_kind = volume.service_kind = 1;
    therms.commodity = volume.commodity = 7;
    therms.uom = 169;
    volume.uom = 119;
    assert_same_energy(therms, volume);
}

static void forward_and_reverse_are_two_series(void **state)
{
    (void)state;
    struct espi_series reverse = hourly();
    reverse.flow_direction = 19;
    struct series_tags a = tags_of(hourly()), b = tags_of(reverse);
    assert_string_equal(a.values[TAG_CUSTOM_METER_ID], b.values[TAG_CUSTOM_METER_ID]);
    assert_string_not_equal(a.values[TAG_FLOW], b.values[TAG_FLOW]);
}

static void the_multiplier_is_no_part_of_the_identity(void **state)
{
    (void)state;
    struct espi_series kilo = hourly();
    kilo.power_of_ten_multiplier = 3;
    struct series_tags a = tags_of(hourly()), b = tags_of(kilo);
    assert_memory_equal(a.values[TAG_UOM], b.values[TAG_UOM], 3);
}

static void registers_of_one_usage_point_are_told_apart(void **state)
{
    (void)state;
    struct espi_series peak = hourly(), register_total = hourly();
    peak.tou = 2;
    peak.phase = 128;
    register_total.accumulation_behaviour = 3;
    assert_string_equal(tags_of(peak).values[TAG_CUSTOM_METER_ID], "01.phase128.tou2");
    assert_string_equal(tags_of(register_total).values[TAG_CUSTOM_METER_ID], "01.acc3");
}

static void no_character_of_a_feed_reaches_kairosdbs_sql(void **state)
{
    (void)state;
    struct espi_series s = hourly();
    s.usage_point = "UsagePoint/a'b\"c:d=e,f \xc3\xa9%";
    assert_string_equal(tags_of(s).values[TAG_CUSTOM_METER_ID],
                        "a%27b%22c%3Ad%3De%2Cf%20%C3%A9%25");
    char long_id[400];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    s.usage_point = long_id;
    struct series_tags tags = tags_of(s);
    assert_true(strlen(tags.values[TAG_CUSTOM_METER_ID]) <= 100);
    assert_non_null(strchr(tags.values[TAG_CUSTOM_METER_ID], '~'));
}

static void a_second_meter_with_the_same_last_part_gets_its_digest(void **state)
{
    (void)state;
    struct espi_series other = hourly();
    other.usage_point = "espi/1_1/resource/Subscription/6/UsagePoint/01";
    char source[SERIES_KEY_BYTES], other_source[SERIES_KEY_BYTES];
    struct espi_series first = hourly();
    assert_string_not_equal(series_source(&first, "a", source),
                            series_source(&other, "a", other_source));
    struct series_tags tags = tags_of(other), again = tags_of(other);
    series_tags_distinguish(&tags, other_source);
    series_tags_distinguish(&again, other_source);
    assert_string_equal(tags.values[TAG_CUSTOM_METER_ID], again.values[TAG_CUSTOM_METER_ID]);
    assert_int_equal(strlen(tags.values[TAG_CUSTOM_METER_ID]), 2 + 9);
}

static void a_short_id_means_a_meter_of_its_subscription_and_a_long_one_of_the_world(void **state)
{
    (void)state;
    struct espi_series s = hourly();
    char one[SERIES_KEY_BYTES], other[SERIES_KEY_BYTES];
    assert_string_not_equal(series_source(&s, "first", one), series_source(&s, "second", other));
    struct espi_series moved = s;
    moved.usage_point = "DataCustodian/espi/1_1/resource/Subscription/5/UsagePoint/01";
    assert_string_equal(series_source(&s, "first", one), series_source(&moved, "first", other));
    s.usage_point = "v1/UsagePoint/48C2A019-5598-4E16-B0F9-49E4FF27F5FB";
    moved.usage_point = "v2/x/UsagePoint/48C2A019-5598-4E16-B0F9-49E4FF27F5FB";
    assert_string_equal(series_source(&s, "first", one), series_source(&moved, "second", other));
}

static void what_is_not_known_is_not_guessed(void **state)
{
    (void)state;
    struct err e = {0};
    struct series_tags tags;
    struct espi_series s = hourly();
    s.unresolved = "no_unit";
    assert_false(series_tags_of(&s, "42", &tags, &e));
    assert_string_equal(e.code, "no_unit");
    s = hourly();
    s.service_kind = ESPI_ABSENT;
    assert_true(series_tags_of(&s, "42", &tags, &e)); /* the commodity says electricity */
    s.commodity = ESPI_ABSENT;
    assert_false(series_tags_of(&s, "42", &tags, &e));
    assert_string_equal(e.code, "no_service_kind");
    s = hourly();
    s.usage_point = s.meter_reading = NULL;
    assert_false(series_tags_of(&s, "42", &tags, &e));
    assert_string_equal(e.code, "no_meter");
    s = hourly();
    s.flow_direction = s.interval_length = ESPI_ABSENT;
    assert_string_equal(tags_of(s).values[TAG_FLOW], "unstated");
    assert_string_equal(tags_of(s).values[TAG_INTERVAL], "unstated");
}

static void power_temperature_and_growing_totals_are_not_summed(void **state)
{
    (void)state;
    struct espi_series s = hourly();
    assert_true(series_is_summable(&s));
    s.accumulation_behaviour = 1; /* in real feeds: deltas under another name */
    assert_true(series_is_summable(&s));
    s.accumulation_behaviour = 3;
    assert_false(series_is_summable(&s));
    s = hourly();
    s.uom = 38;
    assert_false(series_is_summable(&s));
    s = hourly();
    s.kind = 8; /* a demand, whatever its unit */
    assert_false(series_is_summable(&s));
    s = hourly();
    s.data_qualifier = 8; /* the largest of each interval */
    assert_false(series_is_summable(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tags_are_the_seeds_and_the_flow),
        cmocka_unit_test(tags_survive_json),
        cmocka_unit_test(the_type_decides_what_is_metered_and_a_contradiction_is_told),
        cmocka_unit_test(tags_name_what_is_metered_by_the_type_that_decided),
        cmocka_unit_test(series_of_one_usage_point_are_the_same_energy),
        cmocka_unit_test(forward_and_reverse_are_two_series),
        cmocka_unit_test(the_multiplier_is_no_part_of_the_identity),
        cmocka_unit_test(registers_of_one_usage_point_are_told_apart),
        cmocka_unit_test(no_character_of_a_feed_reaches_kairosdbs_sql),
        cmocka_unit_test(a_second_meter_with_the_same_last_part_gets_its_digest),
        cmocka_unit_test(a_short_id_means_a_meter_of_its_subscription_and_a_long_one_of_the_world),
        cmocka_unit_test(what_is_not_known_is_not_guessed),
        cmocka_unit_test(power_temperature_and_growing_totals_are_not_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
