/* What the bodies sent to KairosDB and its answers promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "common/kairosdb/kairosdb_json.h"

static struct series_tags tags(void)
{
    struct series_tags t;
    for (int i = 0; i < SERIES_TAGS; i++)
        snprintf(t.values[i], sizeof t.values[i], "v%d", i);
    return t;
}

static void every_point_is_a_double_with_a_dot_in_milliseconds(void **state)
{
    (void)state;
    struct err e = {0};
    struct series_tags t = tags();
    struct buf b CLEANUP(buf_free) = buf_make(1 << 20);
    const struct kairosdb_point points[] = {
        {1773028800, 5}, {1773032400, 0.125}, {1773036000, -2e20}};
    assert_true(kairosdb_write_body(&b, "energy", &t, points, 3, &e));
    json_t *body = json_loads(b.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(body);
    const json_t *first = json_array_get(body, 0);
    assert_string_equal(json_string_value(json_object_get(first, "type")), "double");
    assert_string_equal(json_string_value(json_object_get(first, "name")), "energy");
    assert_int_equal(json_object_size(json_object_get(first, "tags")), SERIES_TAGS);
    json_decref(body);
    assert_non_null(strstr(b.data, "[1773028800000,5.0],[1773032400000,0.125],"
                                   "[1773036000000,-2.0e+20]]"));
}

static void times_and_values_no_reading_can_have_are_refused(void **state)
{
    (void)state;
    struct series_tags t = tags();
    const struct kairosdb_point bad[] = {
        {1773028800000, 1}, {0, 1}, {-5, 1}, {1773028800, (double)NAN}, {INT64_MAX, 1}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        struct buf b CLEANUP(buf_free) = buf_make(1 << 20);
        assert_false(kairosdb_write_body(&b, "energy", &t, &bad[i], 1, &e));
        assert_string_equal(e.code, "bad_point");
    }
}

static void a_query_names_utc_and_a_length_and_stops_before_the_next_day(void **state)
{
    (void)state;
    struct err e = {0};
    struct series_tags t = tags();
    struct buf b CLEANUP(buf_free) = buf_make(1 << 16);
    const struct kairosdb_cut cut = {
        .from_s = 1772341200, .to_s = 1772341200 + 8 * 82800, .length_s = 82800};
    assert_true(kairosdb_query_body(&b, "energy", &t, &cut, &e));
    json_t *body = json_loads(b.data, 0, NULL);
    assert_non_null(body);
    assert_string_equal(json_string_value(json_object_get(body, "time_zone")), "UTC");
    assert_int_equal(json_integer_value(json_object_get(body, "end_absolute")), 1773003599999);
    const json_t *metrics = json_object_get(body, "metrics");
    assert_int_equal(json_array_size(metrics), 2);
    const char *const names[] = {"sum", "count"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *a =
            json_array_get(json_object_get(json_array_get(metrics, i), "aggregators"), 0);
        assert_string_equal(json_string_value(json_object_get(a, "name")), names[i]);
        assert_true(json_is_false(json_object_get(a, "align_sampling")));
        assert_true(json_is_true(json_object_get(a, "align_start_time")));
        const json_t *sampling = json_object_get(a, "sampling");
        assert_int_equal(json_integer_value(json_object_get(sampling, "value")), 82800000);
        assert_string_equal(json_string_value(json_object_get(sampling, "unit")), "milliseconds");
    }
    json_decref(body);
}

/* Days of 100 s from second 1000 on, and as many as there is room for. */
static bool reads(const char *json, struct kairosdb_bucket *days, size_t max, size_t *count,
                  struct err *e)
{
    const struct kairosdb_cut cut = {
        .from_s = 1000, .to_s = 1000 + 100 * (int64_t)max, .length_s = 100, .day_s = 1000};
    return kairosdb_query_read(json, strlen(json), &cut, days, max, count, e);
}

static void sums_and_counts_are_joined_by_their_stamp_whatever_the_number_looks_like(void **state)
{
    (void)state;
    struct err e = {0};
    struct kairosdb_bucket b[4];
    size_t n = 0;
    assert_true(reads("{\"queries\":[{\"results\":[{\"values\":[[1000000,217],"
                      "[1300000,2.4691357819999997E7]]}]},"
                      "{\"results\":[{\"values\":[[1000000,\"31\"],[1300000,720]]}]}]}",
                      b, 4, &n, &e));
    assert_int_equal(n, 2);
    assert_true(b[0].start_s == 1000 && b[0].sum == 217 && b[0].count == 31);
    assert_true(b[1].start_s == 1300 && b[1].sum == 24691357.819999997 && b[1].count == 720);
}

static void a_stamp_within_a_day_is_of_that_day(void **state)
{
    (void)state;
    struct err e = {0};
    struct kairosdb_bucket b[2];
    size_t n = 0;
    assert_true(reads("{\"queries\":[{\"results\":[{\"values\":[[1040000,2],[1199999,8]]},"
                      "{\"values\":[[1000000,1]]}]},"
                      "{\"results\":[{\"values\":[[1099999,3],[1100000,4]]}]}]}",
                      b, 2, &n, &e));
    assert_true(n == 2 && b[0].start_s == 1000 && b[0].sum == 3 && b[0].count == 3);
    assert_true(b[1].start_s == 1100 && b[1].sum == 8 && b[1].count == 4);
}

static void no_data_is_no_bucket(void **state)
{
    (void)state;
    struct err e = {0};
    struct kairosdb_bucket b[1];
    size_t n = 9;
    assert_true(reads("{\"queries\":[{\"sample_size\":0,\"results\":[{\"tags\":{},\"values\":[]}]},"
                      "{\"results\":[{\"tags\":{},\"values\":[]}]}]}",
                      b, 1, &n, &e));
    assert_int_equal(n, 0);
}

static void points_of_another_type_are_counted_and_summed_too(void **state)
{
    (void)state;
    struct err e = {0};
    struct kairosdb_bucket b[1];
    size_t n = 0;
    assert_true(reads(
        "{\"queries\":[{\"results\":[{\"values\":[[1000000,2]]},{\"values\":[[1000000,2.5]]}]},"
        "{\"results\":[{\"values\":[[1000000,1]]},{\"values\":[[1000000,1]]}]}]}",
        b, 1, &n, &e));
    assert_true(n == 1 && b[0].sum == 4.5 && b[0].count == 2);
}

static void an_answer_that_is_none_is_a_failure_that_may_pass(void **state)
{
    (void)state;
    const char *const answers[] = {
        "",
        "<html>",
        "{}",
        "{\"queries\":[]}",
        "{\"queries\":[{},{}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[1000000]]}]},{\"results\":[]}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[1000000,null]]}]},{\"results\":[]}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[1e98,2]]}]},{\"results\":[]}]}",
        "{\"queries\":[{\"results\":[]},{\"results\":[{\"values\":[[1000000,1e30]]}]}]}",
        "{\"queries\":[{\"results\":[]},{\"results\":[{\"values\":[[1000000,-1]]}]}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[999999,2]]}]},{\"results\":[]}]}",
        "{\"queries\":[{\"results\":[]},{\"results\":[{\"values\":[[1100000,3]]}]}]}"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct err e = {0};
        struct kairosdb_bucket b[1];
        size_t n;
        assert_false(reads(answers[i], b, 1, &n, &e));
        assert_int_equal(e.kind, ERR_RETRY);
        assert_string_equal(e.code, "kairosdb_bad_answer");
    }
}

static void the_reason_of_a_refusal_is_found(void **state)
{
    (void)state;
    char out[20];
    const char *json = "{\"errors\":[\"metric[1](name=p).tags count\"]}";
    assert_string_equal(kairosdb_first_error(json, strlen(json), out, sizeof out),
                        "metric[1](name=p).t");
    assert_string_equal(kairosdb_first_error("oops", 4, out, sizeof out), "");
    assert_string_equal(kairosdb_first_error(NULL, 0, out, sizeof out), "");
}

static void a_bucket_is_found_by_its_start_and_is_empty_where_there_is_none(void **state)
{
    (void)state;
    const struct kairosdb_bucket list[] = {{10, 1, 1}, {20, 2, 2}, {40, 4, 4}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(kairosdb_bucket_at(list, 3, list[i].start_s).count, list[i].count);
    for (int64_t start_s = 5; start_s < 50; start_s += 10)
        assert_int_equal(kairosdb_bucket_at(list, 3, start_s).count, 0);
    assert_int_equal(kairosdb_bucket_at(list, 0, 10).count, 0);
    assert_int_equal(kairosdb_bucket_at(NULL, 0, 30).start_s, 30);
}

static bool read_points(const char *json, int64_t to_s, struct kairosdb_point *points, size_t max,
                        size_t *ret_count, int64_t *ret_next_s)
{
    struct err e = {0};
    bool ok =
        kairosdb_points_read(json, strlen(json), to_s, points, max, ret_count, ret_next_s, &e);
    if (!ok)
        assert_string_equal(e.code, "kairosdb_bad_answer");
    return ok;
}

static void a_question_for_points_names_its_ends_and_its_limit(void **state)
{
    (void)state;
    struct err e = {0};
    struct series_tags t = tags();
    struct buf b CLEANUP(buf_free) = buf_make(1 << 20);
    assert_true(kairosdb_points_body(&b, "energy", &t, 1700000000, 1700000900, 50, &e));
    json_t *body = json_loads(b.data, 0, NULL);
    json_t *metric = json_array_get(json_object_get(body, "metrics"), 0);
    assert_int_equal(json_integer_value(json_object_get(body, "start_absolute")), 1700000000000);
    assert_int_equal(json_integer_value(json_object_get(body, "end_absolute")), 1700000899999);
    assert_int_equal(json_integer_value(json_object_get(metric, "limit")), 50);
    assert_int_equal(json_object_size(json_object_get(metric, "tags")), SERIES_TAGS);
    json_decref(body);
}

static void a_page_that_is_not_full_is_the_last(void **state)
{
    (void)state;
    struct kairosdb_point points[3];
    size_t count;
    int64_t next_s;
    assert_true(
        read_points("{\"queries\":[{\"results\":[{\"values\":[[10000,1.5],[20000,\"2\"]]}]}]}", 100,
                    points, 3, &count, &next_s));
    assert_int_equal(count, 2);
    assert_int_equal(points[1].start_s, 20);
    assert_true(fabs(points[0].value - 1.5) < 1e-15 && fabs(points[1].value - 2) < 1e-15);
    assert_int_equal(next_s, 100);
    assert_true(read_points("{\"queries\":[{\"results\":[{\"values\":[]}]}]}", 100, points, 3,
                            &count, &next_s));
    assert_int_equal(count, 0);
    assert_int_equal(next_s, 100);
}

static void a_full_page_goes_on_at_the_second_of_its_last_point(void **state)
{
    (void)state;
    struct kairosdb_point points[3];
    size_t count;
    int64_t next_s;
    assert_true(
        read_points("{\"queries\":[{\"results\":[{\"values\":[[10000,1],[20000,2],[30000,3]]}]}]}",
                    100, points, 3, &count, &next_s));
    assert_int_equal(count, 2);
    assert_int_equal(next_s, 30);
}

static void results_of_several_types_are_one_page_in_order(void **state)
{
    (void)state;
    struct kairosdb_point points[4];
    size_t count;
    int64_t next_s;
    assert_true(read_points("{\"queries\":[{\"results\":[{\"values\":[[30000,3]]},"
                            "{\"values\":[[10000,1],[30000,4]]}]}]}",
                            100, points, 4, &count, &next_s));
    assert_int_equal(count, 3);
    assert_int_equal(points[0].start_s, 10);
    assert_int_equal(points[2].start_s, 30);
    assert_int_equal(next_s, 100);
    assert_true(
        read_points("{\"queries\":[{\"results\":[{\"values\":[[10000,1],[20000,2],[40000,3]]},"
                    "{\"values\":[[15000,1],[16000,4],[50000,1]]}]}]}",
                    100, points, 4, &count, &next_s));
    assert_int_equal(count, 4); /* what there is no room for begins the next page */
    assert_int_equal(points[3].start_s, 20);
    assert_int_equal(next_s, 40);
}

static void what_is_no_answer_with_points_is_said(void **state)
{
    (void)state;
    struct kairosdb_point points[2];
    size_t count;
    int64_t next_s;
    const char *const answers[] = {
        "",
        "{}",
        "{\"queries\":[{}]}",
        "{\"queries\":[{\"results\":[{}]}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[1]]}]}]}",
        "{\"queries\":[{\"results\":[{\"values\":[[10000,1],[10000,2],[10000,3]]}]}]}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_false(read_points(answers[i], 100, points, 2, &count, &next_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_a_double_with_a_dot_in_milliseconds),
        cmocka_unit_test(times_and_values_no_reading_can_have_are_refused),
        cmocka_unit_test(a_query_names_utc_and_a_length_and_stops_before_the_next_day),
        cmocka_unit_test(sums_and_counts_are_joined_by_their_stamp_whatever_the_number_looks_like),
        cmocka_unit_test(a_stamp_within_a_day_is_of_that_day),
        cmocka_unit_test(no_data_is_no_bucket),
        cmocka_unit_test(points_of_another_type_are_counted_and_summed_too),
        cmocka_unit_test(an_answer_that_is_none_is_a_failure_that_may_pass),
        cmocka_unit_test(the_reason_of_a_refusal_is_found),
        cmocka_unit_test(a_bucket_is_found_by_its_start_and_is_empty_where_there_is_none),
        cmocka_unit_test(a_question_for_points_names_its_ends_and_its_limit),
        cmocka_unit_test(a_page_that_is_not_full_is_the_last),
        cmocka_unit_test(a_full_page_goes_on_at_the_second_of_its_last_point),
        cmocka_unit_test(results_of_several_types_are_one_page_in_order),
        cmocka_unit_test(what_is_no_answer_with_points_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
