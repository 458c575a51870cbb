/* Names of workers: what may be configured, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/host.h"
#include "common/config/node_name.h"

static const struct node node = {.host = "db1.example.org", .pid = 4711, .index = 3};

static void a_pattern_is_filled_in(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"meterbeat-worker@%h/%p", "meterbeat-worker@db1.example.org/4711"},
        {"w%i@%h", "w3@db1.example.org"},
        {"100%%@x", "100%@x"},
        {"plain@name", "plain@name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[NODE_NAME_MAX + 1];
        struct err e;
        assert_null(node_name_fault(cases[i][0]));
        assert_true(node_name_make(cases[i][0], &node, name, &e));
        assert_string_equal(name, cases[i][1]);
    }
}

static void what_celerys_tools_would_stumble_over_is_refused(void **state)
{
    (void)state;
    static const char *const patterns[] = {"worker", "%h", "a b@c",      "a,b@c", "a%@b",
                                           "%x@y",   "@%", "\xc3\xa4@b", "a\n@b", ""};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        assert_non_null(node_name_fault(patterns[i]));
}

static void a_name_gets_no_longer_than_its_queue_may_be(void **state)
{
    (void)state;
    char name[NODE_NAME_MAX + 1], host[NODE_NAME_MAX] = "";
    struct err e;
    memset(host, 'h', sizeof host - 1);
    struct node longest = {.host = host};
    assert_true(node_name_make("@%h", &longest, name, &e));
    assert_int_equal(strlen(name), NODE_NAME_MAX);
    assert_false(node_name_make("x@%h", &longest, name, &e));
    assert_string_equal(e.code, "bad_name");
    assert_false(node_name_make("%h@%h", &longest, name, &e));
}

static void a_machine_has_a_name_of_printable_characters(void **state)
{
    (void)state;
    char host[HOST_NAME];
    host_name(host);
    assert_true(host[0]);
    for (const char *c = host; *c; c++)
        assert_in_range(*c, '!', '~');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_filled_in),
        cmocka_unit_test(what_celerys_tools_would_stumble_over_is_refused),
        cmocka_unit_test(a_name_gets_no_longer_than_its_queue_may_be),
        cmocka_unit_test(a_machine_has_a_name_of_printable_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
