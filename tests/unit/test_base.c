/* What the smallest parts promise: errors, buffers, names made into identifiers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/uuid.h"

static void an_error_gains_context_and_keeps_its_kind(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(err_set(&e, ERR_RETRY, "http_status", "status %d", 503));
    assert_false(err_wrap(&e, "record %d", 7));
    assert_string_equal(e.text, "record 7: status 503");
    assert_int_equal(e.kind, ERR_RETRY);
    assert_string_equal(e.code, "http_status");
}

static void an_error_without_a_place_to_go_is_ignored(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_REJECT, "x", "y"));
    assert_false(err_wrap(NULL, "z"));
}

static void a_buffer_refuses_to_pass_its_maximum_and_keeps_what_it_had(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b CLEANUP(buf_free) = buf_make(5);
    assert_true(buf_append(&b, "abc", 3, &e));
    assert_false(buf_append(&b, "def", 3, &e));
    assert_string_equal(e.code, "too_large");
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(b.data, "abc");
    assert_true(buf_printf(&b, &e, "%d", 42));
    assert_string_equal(b.data, "abc42");
}

static void a_name_makes_the_same_identifier_each_time(void **state)
{
    (void)state;
    char first[UUID_TEXT], second[UUID_TEXT], other[UUID_TEXT];
    uuid5_of_name("daily@1700000000", first);
    uuid5_of_name("daily@1700000000", second);
    uuid5_of_name("daily@1700000002", other);
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
    assert_int_equal(first[14], '5');
}

static void an_instant_before_1970_is_written_right(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    assert_string_equal(clock_format_utc(-1, text), "1969-12-31T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_gains_context_and_keeps_its_kind),
        cmocka_unit_test(an_error_without_a_place_to_go_is_ignored),
        cmocka_unit_test(a_buffer_refuses_to_pass_its_maximum_and_keeps_what_it_had),
        cmocka_unit_test(a_name_makes_the_same_identifier_each_time),
        cmocka_unit_test(an_instant_before_1970_is_written_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
