/* What the arguments of parse and aggregate mean, and which of them mean nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "worker/reconcile/aggregate.h"
#include "worker/task/arguments.h"

static struct timezone_rules *zone;

static int load_zone(void **state)
{
    (void)state;
    struct err e;
    return timezone_load("America/New_York", &zone, &e) ? 0 : -1;
}

static int free_zone(void **state)
{
    (void)state;
    timezone_free(zone);
    return 0;
}

static bool parse(const char *args, const char *kwargs, struct parse_arguments *a, struct err *e)
{
    struct task_message m = {.args = json_loads(args, 0, NULL),
                             .kwargs = json_loads(kwargs, 0, NULL)};
    bool ok = parse_arguments(&m, zone, a, e);
    json_decref(m.args);
    json_decref(m.kwargs);
    return ok;
}

static void a_record_comes_by_position_or_by_name_as_a_number_or_its_text(void **state)
{
    (void)state;
    const char *const given[][2] = {{"[7]", "{}"},
                                    {"[\"7\"]", "{}"},
                                    {"[]", "{\"record\": 7}"},
                                    {"[null]", "{\"record_id\": \"7\"}"}};
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        struct parse_arguments a;
        struct err e = {0};
        assert_true(parse(given[i][0], given[i][1], &a, &e));
        assert_int_equal(a.record_id, 7);
        assert_false(a.has_window);
    }
    struct parse_arguments none;
    struct err e = {0};
    assert_true(parse("[]", "{}", &none, &e));
    assert_int_equal(none.record_id, 0);
}

static void a_window_is_seconds_local_dates_or_instants(void **state)
{
    (void)state;
    const char *const given[] = {
        "{\"from\": 1772946000, \"to\": 1773028800}",
        "{\"from\": \"2026-03-08\", \"to\": \"2026-03-09\"}",
        "{\"from\": \"2026-03-08T00:00:00\", \"to\": \"2026-03-09 00:00:00\"}",
        "{\"from\": \"2026-03-08T05:00:00Z\", \"to\": \"2026-03-09T00:00:00-04:00\"}",
        "{\"from\": \"2026-03-08T06:00:00+0100\", \"to\": \"1773028800\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        struct parse_arguments a;
        struct err e = {0};
        if (!parse("[1]", given[i], &a, &e))
            fail_msg("%s: %s", given[i], e.text);
        assert_true(a.has_window);
        assert_int_equal(a.from_s, 1772946000);
        assert_int_equal(a.to_s, 1773028800);
    }
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    const char *const given[][2] = {
        {"[0]", "{}"},
        {"[-1]", "{}"},
        {"[1.5]", "{}"},
        {"[true]", "{}"},
        {"[\"7a\"]", "{}"},
        {"[[]]", "{}"},
        {"[1, 2]", "{}"},
        {"[1]", "{\"record\": 1}"},
        {"[]", "{\"recrod\": 1}"},
        {"[]", "{\"from\": 1, \"to\": 2}"},
        {"[1]", "{\"from\": 1}"},
        {"[1]", "{\"from\": 2, \"to\": 1}"},
        {"[1]", "{\"from\": \"2026-02-30\", \"to\": \"2026-03-01\"}"},
        {"[1]", "{\"from\": \"2026-02-01x\", \"to\": \"2026-03-01\"}"},
        {"[1]", "{\"from\": \"2026-02-01T25:00:00\", \"to\": \"2026-03-01\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        struct parse_arguments a;
        struct err e = {0};
        if (parse(given[i][0], given[i][1], &a, &e))
            fail_msg("%s %s was taken", given[i][0], given[i][1]);
        assert_string_equal(e.code, "bad_arguments");
        assert_int_equal(e.kind, ERR_REJECT);
    }
}

static void a_building_is_a_number_or_a_name_and_minus_one_is_all(void **state)
{
    (void)state;
    const char *const given[][3] = {{"[42]", "{}", "42"},
                                    {"[\"42\"]", "{}", "42"},
                                    {"[-1]", "{}", ""},
                                    {"[]", "{}", ""},
                                    {"[]", "{\"building_id\": \"west wing\"}", "west wing"}};
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        struct aggregate_arguments a;
        struct err e = {0};
        struct task_message m = {.args = json_loads(given[i][0], 0, NULL),
                                 .kwargs = json_loads(given[i][1], 0, NULL)};
        assert_true(aggregate_arguments(&m, &a, &e));
        assert_string_equal(a.building_id, given[i][2]);
        json_decref(m.args);
        json_decref(m.kwargs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_by_position_or_by_name_as_a_number_or_its_text),
        cmocka_unit_test(a_window_is_seconds_local_dates_or_instants),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(a_building_is_a_number_or_a_name_and_minus_one_is_all),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
