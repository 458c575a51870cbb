/* `inspect`: one object a series and one a file, sums exact beyond 64 bits, an exit status that
 * tells. */
#include "espi_test.h"

#include <jansson.h>
#include <stdio.h>

#include "ctl/inspect.h"
#include "ctl/inspect_count.h"

#define FEEDS METERBEAT_TEST_DATA "/feeds/"

/* What inspect prints; caller frees. */
static char *printed(const char *const *files, size_t count, bool json, int want_status)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(inspect_main(files, count, json, out), want_status);
    fclose(out);
    return text;
}

/* Line `number` of the text as JSON. */
static json_t *line_of(const char *text, int number)
{
    for (; number > 0; number--)
        text = strchr(text, '\n') + 1;
    json_t *line = json_loadb(text, strcspn(text, "\n"), 0, NULL);
    assert_non_null(line);
    return line;
}

static json_int_t integer(const json_t *line, const char *key)
{
    assert_true(json_is_integer(json_object_get(line, key)));
    return json_integer_value(json_object_get(line, key));
}

static void each_series_and_then_the_file_is_one_json_object(void **state)
{
    (void)state;
    char *text = printed((const char *[]){FEEDS "many.xml"}, 1, true, 0);
    json_t *reverse = line_of(text, 1), *file = line_of(text, 3);
    assert_int_equal(integer(reverse, "flow_direction"), 19);
    assert_int_equal(integer(reverse, "readings"), 2);
    assert_int_equal(integer(reverse, "first_start"), 0);
    assert_int_equal(integer(reverse, "last_start"), 900);
    assert_int_equal(integer(reverse, "sum_raw"), 41);
    assert_true(json_is_null(json_object_get(reverse, "sum_cost_raw")));
    assert_int_equal(integer(file, "series"), 3);
    assert_int_equal(integer(file, "readings"), 4);
    assert_int_equal(json_array_size(json_object_get(file, "problems")), 0);
    json_decref(reverse);
    json_decref(file);
    free(text);
}

static void the_last_reading_without_its_own_time_is_placed(void **state)
{
    (void)state;
    char *text = printed((const char *[]){FEEDS "no_time_period.xml"}, 1, true, 0);
    json_t *series = line_of(text, 0);
    assert_int_equal(integer(series, "first_start"), 0);
    assert_int_equal(integer(series, "last_start"), 86400 + 2 * 900);
    json_decref(series);
    free(text);
}

static void a_file_that_fails_still_gets_its_object(void **state)
{
    (void)state;
    const char *const files[] = {FEEDS "two_roots.xml", FEEDS "not_there.xml", FEEDS "item.xml"};
    char *text = printed(files, 3, true, 1);
    json_t *broken = line_of(text, 0), *missing = line_of(text, 1), *right = line_of(text, 3);
    const json_t *problem = json_array_get(json_object_get(broken, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "code")), "not_well_formed");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "place")), "line 2:1"));
    assert_int_equal(integer(broken, "series"), 0);
    problem = json_array_get(json_object_get(missing, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "code")), "cannot_open");
    assert_int_equal(integer(right, "readings"), 2);
    json_decref(broken);
    json_decref(missing);
    json_decref(right);
    free(text);
}

static void the_text_shows_sums_in_their_unit(void **state)
{
    (void)state;
    char *text = printed((const char *[]){FEEDS "item.xml"}, 1, false, 0);
    assert_non_null(strstr(text, "0.015 therm"));
    assert_non_null(strstr(text, "1 series, 2 readings"));
    free(text);
}

static void bills_are_listed_with_their_own_unit_and_multiplier_each_once(void **state)
{
    (void)state;
    char *text = printed((const char *[]){FEEDS "summaries.xml"}, 1, true, 0);
    json_t *file = line_of(text, 0), *bills = json_object_get(file, "summaries");
    assert_int_equal(json_array_size(bills), 4);
    const json_t *first = json_array_get(bills, 0), *gas = json_array_get(bills, 2);
    assert_int_equal(integer(first, "consumption"), 1152);
    assert_int_equal(integer(first, "consumption_power_of_ten_multiplier"), 3);
    assert_int_equal(integer(first, "consumption_uom"), 72);
    assert_int_equal(integer(first, "bill_last_period"), 17418000);
    assert_int_equal(integer(json_array_get(bills, 1), "bill_last_period"), 9900000);
    assert_int_equal(integer(gas, "consumption_uom"), 169);
    assert_string_equal(json_string_value(json_object_get(gas, "usage_point")), "UsagePoint/2");
    assert_string_equal(json_string_value(json_object_get(gas, "usage_point_link")), "prefix");
    assert_true(json_is_null(json_object_get(json_array_get(bills, 3), "usage_point")));
    json_decref(file);
    free(text);
}

static void a_series_tells_the_zone_that_keeps_the_feeds_rules(void **state)
{
    (void)state;
    static const char *const zones[] = {"America/New_York",
                                        "America/Los_Angeles",
                                        "America/New_York",
                                        "America/New_York",
                                        NULL,
                                        NULL};
    char *text = printed((const char *[]){FEEDS "local_times.xml"}, 1, true, 0);
    for (int i = 0; i < 6; i++) {
        json_t *line = line_of(text, i);
        const char *zone = json_string_value(json_object_get(line, "time_zone"));
        assert_true(zone ? zones[i] && !strcmp(zone, zones[i]) : !zones[i]);
        json_decref(line);
    }
    free(text);
}

static void sums_are_exact_beyond_64_bits(void **state)
{
    (void)state;
    struct err e = {0};
    char digits[INSPECT_SUM_TEXT];
    struct inspect_counts counts = {0};
    struct espi_reading r = {.value = -INT64_MAX, .cost = INT64_MAX, .placed = true};
    for (int i = 0; i < 10; i++)
        assert_true(inspect_count_reading(&counts, &r, &e));
    assert_string_equal(inspect_sum_text(counts.items[0].values.sum, digits),
                        "-92233720368547758070");
    assert_string_equal(inspect_sum_text(counts.items[0].costs.sum, digits),
                        "92233720368547758070");
    assert_string_equal(inspect_sum_text(0, digits), "0");
    inspect_counts_free(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_series_and_then_the_file_is_one_json_object),
        cmocka_unit_test(the_last_reading_without_its_own_time_is_placed),
        cmocka_unit_test(a_file_that_fails_still_gets_its_object),
        cmocka_unit_test(the_text_shows_sums_in_their_unit),
        cmocka_unit_test(bills_are_listed_with_their_own_unit_and_multiplier_each_once),
        cmocka_unit_test(a_series_tells_the_zone_that_keeps_the_feeds_rules),
        cmocka_unit_test(sums_are_exact_beyond_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
