/* What a waiting client is told: which exception, in which words, and how long at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/celery/result.h"

static struct result_exception exception_of(const char *code, const char *text)
{
    struct err why;
    (void)err_set(&why, ERR_REJECT, code, "%s", text);
    return result_exception_of(&why, "some.task");
}

static void assert_exception(const char *code, const char *module, const char *type,
                             const char *text)
{
    struct result_exception x = exception_of(code, "why");
    assert_string_equal(x.module, module);
    assert_string_equal(x.type, type);
    assert_string_equal(x.text, text);
}

static void errors_are_the_exceptions_that_python_has_for_them(void **state)
{
    (void)state;
    assert_exception("unknown_task", "celery.exceptions", "NotRegistered", "some.task");
    assert_exception("revoked", "celery.exceptions", "TaskRevokedError", "why");
    assert_exception("chord_not_supported", "celery.exceptions", "ChordError", "why");
    assert_exception("time_limit", "billiard.exceptions", "TimeLimitExceeded", "why");
    assert_exception("bad_arguments", "builtins", "TypeError", "why");
    assert_exception("feed_not_found", "meterbeat", "FeedNotFound", "why");
    assert_exception("not_xml", "meterbeat", "NotXml", "why");
}

static void assert_repr(const char *text, const char *expected)
{
    struct result_exception x = exception_of("bad_arguments", text);
    char *repr = result_exception_repr(&x);
    assert_string_equal(repr, expected);
    free(repr);
}

static void an_exception_is_shown_as_python_shows_it(void **state)
{
    (void)state;
    assert_repr("boom", "TypeError('boom')");
    assert_repr("it's", "TypeError(\"it's\")");
    assert_repr("é\n", "TypeError('é\\n')");
    struct err why = {.code = "unknown_task"};
    struct result_exception x = result_exception_of(&why, "a.b");
    char *repr = result_exception_repr(&x);
    assert_string_equal(repr, "NotRegistered('a.b')");
    free(repr);
}

static void a_text_that_is_no_utf8_is_told_all_the_same(void **state)
{
    (void)state;
    struct result_exception cut = exception_of("bad_feed", "caf\xc3");
    assert_string_equal(cut.text, "caf");
    struct result_exception foreign = exception_of("bad_feed", "caf\xe9 closed");
    assert_string_equal(foreign.text, "caf? closed");
    json_t *value = result_exception_value(&foreign);
    assert_non_null(value);
    json_decref(value);
}

static const struct result_address client = {.task_id = "t", .reply_to = "queue"};

static void what_is_too_long_is_refused_and_says_the_limit(void **state)
{
    (void)state;
    struct err e = {0};
    struct message v;
    char text[600] = "";
    memset(text, 'x', sizeof text - 1);
    json_t *value = json_string(text);
    assert_false(result_encode(&client, RESULT_SUCCESS, value, NULL, 512, 0, &v, &e));
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(e.code, "result_too_large");
    assert_non_null(strstr(e.text, "512"));
    json_decref(value);
}

static void what_celery_could_not_read_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct message v;
    json_t *value = json_pack("{s:s, s:i}", "__type__", "uuid", "__value__", 3);
    assert_false(result_encode(&client, RESULT_SUCCESS, value, NULL, 4096, 0, &v, &e));
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(e.code, "bad_result");
    json_decref(value);
}

static void the_correlation_of_the_message_is_kept(void **state)
{
    (void)state;
    struct err e = {0};
    struct message v CLEANUP(message_free) = {.priority = -1};
    struct result_address other = {
        .task_id = "t", .reply_to = "queue", .correlation_id = "something else"};
    assert_true(result_encode(&other, RESULT_SUCCESS, NULL, NULL, 4096, 0, &v, &e));
    assert_string_equal(v.correlation_id, "something else");
    json_t *body = json_loadb(v.body, v.body_len, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "task_id")), "t");
    assert_true(json_is_null(json_object_get(body, "result")));
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_the_exceptions_that_python_has_for_them),
        cmocka_unit_test(an_exception_is_shown_as_python_shows_it),
        cmocka_unit_test(a_text_that_is_no_utf8_is_told_all_the_same),
        cmocka_unit_test(what_is_too_long_is_refused_and_says_the_limit),
        cmocka_unit_test(what_celery_could_not_read_is_refused),
        cmocka_unit_test(the_correlation_of_the_message_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
