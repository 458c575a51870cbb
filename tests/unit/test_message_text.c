/* Times and reprs in Celery's messages: as Python writes and reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/iso8601.h"
#include "common/celery/task_message.h"

static void assert_time(const char *text, int64_t ms)
{
    int64_t read = -1;
    if (!iso8601_parse(text, &read))
        fail_msg("%s is refused", text);
    assert_int_equal(read, ms);
}

static void times_are_read_in_every_form_that_celery_accepts(void **state)
{
    (void)state;
    assert_time("2026-11-23T17:09:15.804443+00:00", INT64_C(1795453755804));
    assert_time("2026-11-23T17:09:15Z", INT64_C(1795453755000));
    assert_time("2026-11-23T17:09:15", INT64_C(1795453755000));
    assert_time("2026-11-23 17:09:15,5z", INT64_C(1795453755500));
    assert_time("2026-11-23T18:39:15+01:30", INT64_C(1795453755000));
    assert_time("2026-11-23T12:09:15-05", INT64_C(1795453755000));
    assert_time("2026-11-23T12:09:15-0500", INT64_C(1795453755000));
    assert_time("20261123T170915Z", INT64_C(1795453755000));
    assert_time("2026-11-23T17:09Z", INT64_C(1795453740000));
    assert_time("2026-11-23T17", INT64_C(1795453200000));
    assert_time("2026-11-23", INT64_C(1795392000000));
    assert_time("2024-02-29", INT64_C(1709164800000));
    assert_time("1970-01-01T00:00:00.001999999999", 1);
    assert_time("1969-12-31T23:59:59.5Z", -500);
    assert_time("0001-01-01", INT64_C(-62135596800000));
    assert_time("9999-12-31T23:59:59.999Z", INT64_C(253402300799999));
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "tomorrow",
        "2026",
        "2026-11",
        "2026-1-1",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "0000-01-01",
        "2026-11-23T",
        "2026-11-23T24:00",
        "2026-1123",
        "2026-11-23T17:60",
        "2026-11-23X17:00",
        "2026-11-23T17:00:60",
        "202611-23",
        "2026-11-23T17:",
        "2026-11-23T17:0",
        "2026-11-23T17:00:00.",
        " 2026-11-23",
        "2026-11-23 ",
        "2026-11-23Z",
        "2026-11-23T17:00+",
        "2026-11-23T17:00+1",
        "2026-11-23T17:00+24:00",
        "2026-11-23T17:00Z ",
        "-026-11-23",
        "2026-11-23T17:0000",
        "2026-11-23T17.5",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = -7;
        if (iso8601_parse(bad[i], &ms))
            fail_msg("\"%s\" is accepted", bad[i]);
        assert_int_equal(ms, -7);
    }
}

static void a_time_is_written_as_isoformat_and_read_back(void **state)
{
    (void)state;
    char text[ISO8601_TEXT];
    assert_string_equal(iso8601_format(0, text), "1970-01-01T00:00:00+00:00");
    assert_string_equal(iso8601_format(-1, text), "1969-12-31T23:59:59.999000+00:00");
    assert_string_equal(iso8601_format(INT64_C(1709251199010), text),
                        "2024-02-29T23:59:59.010000+00:00");
    assert_string_equal(iso8601_format(INT64_MAX, text), "9999-12-31T23:59:59.999000+00:00");
    assert_string_equal(iso8601_format(INT64_MIN, text), "0001-01-01T00:00:00+00:00");
    for (int64_t ms = INT64_C(-62135596800000); ms < INT64_C(253402300799999);
         ms += INT64_C(7654321987)) {
        int64_t back = 0;
        assert_true(iso8601_parse(iso8601_format(ms, text), &back));
        assert_int_equal(back, ms);
    }
}

/* --- repr ------------------------------------------------------------------------------------- */

static void assert_repr_cut(const char *json, size_t max, const char *expected)
{
    json_error_t error;
    json_t *value = json_loads(json, JSON_DECODE_ANY, &error);
    if (!value)
        fail_msg("%s: %s", json, error.text);
    char *repr = task_message_python_repr(value, max);
    assert_string_equal(repr, expected);
    free(repr);
    json_decref(value);
}

static void assert_repr(const char *json, const char *expected)
{
    assert_repr_cut(json, 1024, expected);
}

static void containers_and_words_are_pythons(void **state)
{
    (void)state;
    assert_repr("[]", "[]");
    assert_repr("{}", "{}");
    assert_repr("[1, null, true, false, [], {}]", "[1, None, True, False, [], {}]");
    assert_repr("{\"a\": 1, \"b\": {\"c\": [2]}}", "{'a': 1, 'b': {'c': [2]}}");
    assert_repr("-9223372036854775808", "-9223372036854775808");
}

static void strings_are_quoted_and_escaped_as_python_does(void **state)
{
    (void)state;
    assert_repr("\"plain\"", "'plain'");
    assert_repr("\"it's\"", "\"it's\"");
    assert_repr("\"say \\\"hi\\\"\"", "'say \"hi\"'");
    assert_repr("\"it's \\\"both\\\"\"", "'it\\'s \"both\"'");
    assert_repr("\"back\\\\slash\"", "'back\\\\slash'");
    assert_repr("\"\\n\\r\\t\\u0001\\u007f\"", "'\\n\\r\\t\\x01\\x7f'");
    assert_repr("\"\\u00e9\\u20ac\\ud83d\\ude00\"", "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'");
    assert_repr("\"\\u0085\\u00a0\\u00ad\"", "'\\x85\\xa0\\xad'");
    assert_repr("\"\\u2028\\ufeff\\ue000\"", "'\\u2028\\ufeff\\ue000'");
    assert_repr("\"\\udb40\\udc01\"", "'\\U000e0001'");
}

static void floats_are_the_shortest_that_read_back(void **state)
{
    (void)state;
    assert_repr("0.0", "0.0");
    assert_repr("-0.0", "-0.0");
    assert_repr("1.0", "1.0");
    assert_repr("0.1", "0.1");
    assert_repr("-2.5", "-2.5");
    assert_repr("100.0", "100.0");
    assert_repr("123456.789", "123456.789");
    assert_repr("0.30000000000000004", "0.30000000000000004");
    assert_repr("0.0001", "0.0001");
    assert_repr("0.00001", "1e-05");
    assert_repr("1e15", "1000000000000000.0");
    assert_repr("1e16", "1e+16");
    assert_repr("1.5e300", "1.5e+300");
    assert_repr("5e-324", "5e-324");
    assert_repr("1.7976931348623157e308", "1.7976931348623157e+308");
    assert_repr("9007199254740993.0", "9007199254740992.0");
}

static void a_repr_is_cut_at_its_maximum_between_characters(void **state)
{
    (void)state;
    assert_repr_cut("[1, 2, 3]", 9, "[1, 2, 3]");
    assert_repr_cut("[1, 2, 3]", 8, "[1, 2...");
    assert_repr_cut("\"\\u20ac\\u20ac\\u20ac\"", 8, "'\xe2\x82\xac...");
    assert_repr_cut("\"abc\"", 3, "...");
    assert_repr_cut("\"abc\"", 2, "..");
    assert_repr_cut("\"abc\"", 0, "");
}

static void a_repr_of_a_deep_value_ends(void **state)
{
    (void)state;
    json_t *deep = json_array();
    for (int i = 0; i < 2000; i++)
        deep = json_pack("[o]", deep);
    char *repr = task_message_python_repr(deep, 100000);
    assert_int_equal(strspn(repr, "["), 65);
    assert_non_null(strstr(repr, "[...]"));
    free(repr);
    json_decref(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_every_form_that_celery_accepts),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_time_is_written_as_isoformat_and_read_back),
        cmocka_unit_test(containers_and_words_are_pythons),
        cmocka_unit_test(strings_are_quoted_and_escaped_as_python_does),
        cmocka_unit_test(floats_are_the_shortest_that_read_back),
        cmocka_unit_test(a_repr_is_cut_at_its_maximum_between_characters),
        cmocka_unit_test(a_repr_of_a_deep_value_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
