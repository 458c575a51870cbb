/* Messages captured from real Celery clients are read as Celery's own worker reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "message_json.h"
#include "common/celery/task_message.h"

static const struct task_message_limits limits = {.max_bytes = 1 << 20, .max_depth = 64};

static void assert_same(const char *name, const char *what, const json_t *expect, const json_t *got)
{
    const json_t *expected = json_object_get(expect, what);
    if ((got == NULL && json_is_null(expected)) || json_equal(expected, got))
        return;
    char *expected_text = json_dumps(expected, JSON_ENCODE_ANY);
    char *got_text = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
    fail_msg("%s: %s is %s where Celery has %s", name, what, got_text, expected_text);
}

static void assert_text(const char *name, const char *what, const json_t *expect, const char *got)
{
    const char *expected = json_string_value(json_object_get(expect, what));
    if (expected == got || (expected && got && strcmp(expected, got) == 0))
        return;
    fail_msg("%s: %s is %s where Celery has %s", name, what, got, expected);
}

static void assert_number(const char *name, const char *what, const json_t *expect, int64_t got)
{
    const json_t *value = json_object_get(expect, what);
    int64_t expected = json_is_boolean(value)   ? json_is_true(value)
                       : json_is_integer(value) ? json_integer_value(value)
                                                : -1;
    if (expected != got)
        fail_msg("%s: %s is %lld where Celery has %lld", name, what, (long long)got,
                 (long long)expected);
}

static void assert_embed(const char *name, const json_t *expect, const json_t *got)
{
    static const char *const steps[] = {"callbacks", "errbacks", "chain", "chord"};
    const json_t *embed = json_object_get(expect, "embed");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_same(name, steps[i], embed, json_object_get(got, steps[i]));
}

static void assert_as_celery(const char *name, const json_t *expect, const struct task_message *m)
{
    assert_same(name, "args", expect, m->args);
    assert_same(name, "kwargs", expect, m->kwargs);
    assert_embed(name, expect, m->embed);
    assert_text(name, "id", expect, m->id);
    assert_text(name, "task", expect, m->task);
    assert_text(name, "root_id", expect, m->root_id);
    assert_text(name, "parent_id", expect, m->parent_id);
    assert_text(name, "group_id", expect, m->group_id);
    assert_text(name, "origin", expect, m->origin);
    assert_text(name, "reply_to", expect, m->reply_to);
    assert_number(name, "eta_ms", expect, m->eta_ms);
    assert_number(name, "expires_ms", expect, m->expires_ms);
    assert_number(name, "hard_limit_ms", expect, m->hard_limit_ms);
    assert_number(name, "soft_limit_ms", expect, m->soft_limit_ms);
    assert_number(name, "retries", expect, m->retries);
    assert_number(name, "ignore_result", expect, m->ignore_result);
    assert_number(name, "protocol", expect, m->protocol);
    assert_number(name, "priority", expect, m->priority);
}

static void check_case(const json_t *one)
{
    struct err e = {0};
    const char *name = json_string_value(json_object_get(one, "name"));
    struct message v CLEANUP(message_free) = message_of_json(json_object_get(one, "envelope"));
    struct task_message m CLEANUP(task_message_free) = {0};
    if (!task_message_decode(&v, &limits, &m, &e))
        fail_msg("%s: %s: %s", name, e.code, e.text);
    assert_as_celery(name, json_object_get(one, "expect"), &m);
}

static void check_file(const char *path, size_t least)
{
    json_error_t error;
    size_t i;
    json_t *one, *cases = json_load_file(path, 0, &error);
    if (!cases)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    assert_true(json_array_size(cases) >= least);
    json_array_foreach(cases, i, one)
        check_case(one);
    json_decref(cases);
}

static void messages_of_celery_5_7_are_read_as_its_worker_reads_them(void **state)
{
    (void)state;
    check_file(METERBEAT_TEST_DATA "/messages/celery-5.7.0.json", 35);
}

static void messages_of_celery_5_2_are_read_as_its_worker_reads_them(void **state)
{
    (void)state;
    check_file(METERBEAT_TEST_DATA "/messages/celery-5.2.6.json", 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_celery_5_7_are_read_as_its_worker_reads_them),
        cmocka_unit_test(messages_of_celery_5_2_are_read_as_its_worker_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
