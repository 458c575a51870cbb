/* Messages on their way back to the broker: what is kept, counted, added and left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "worker/runtime/republish.h"

static struct message message(const char *headers)
{
    return (struct message){.priority = 3,
                            .content_type = "application/json",
                            .correlation_id = "id-1",
                            .expiration = "1000",
                            .headers = json_loads(headers, 0, NULL),
                            .body = "[[],{},null]",
                            .body_len = 12};
}

static const char *text(const struct message *v, const char *key)
{
    return json_string_value(json_object_get(v->headers, key));
}

static void a_retry_counts_for_celery_and_for_us(void **state)
{
    (void)state;
    struct message v = message("{\"task\": \"parse\", \"retries\": 2}"), letter;
    struct err e;
    assert_true(republish_retry(&v, 1, &letter, &e));
    assert_int_equal(json_integer_value(json_object_get(letter.headers, "retries")), 3);
    assert_int_equal(republish_attempt(&letter), 1);
    assert_string_equal(text(&letter, "task"), "parse");
    assert_ptr_equal(letter.body, v.body);
    republish_free(&letter);
    assert_int_equal(json_integer_value(json_object_get(v.headers, "retries")), 2);
    json_decref(v.headers);
}

static void a_protocol_1_message_gets_no_header_that_would_make_it_protocol_2(void **state)
{
    (void)state;
    struct message v = message("{}"), letter;
    struct err e;
    assert_true(republish_retry(&v, 1, &letter, &e));
    assert_int_equal(json_object_size(letter.headers), 1);
    republish_free(&letter);
    json_decref(v.headers);
}

static void what_the_broker_wrote_is_left_out(void **state)
{
    (void)state;
    struct message v = message("{\"task\": \"t\", \"x-death\": [], \"x-first-death-queue\": \"q\","
                               "\"x-last-death-reason\": \"expired\", \"x-delivery-count\": 3,"
                               "\"x-custom\": 1}"),
                   letter;
    struct err e;
    assert_true(republish_later(&v, &letter, &e));
    assert_int_equal(json_object_size(letter.headers), 2);
    assert_non_null(json_object_get(letter.headers, "x-custom"));
    republish_free(&letter);
    json_decref(v.headers);
}

static void copies_that_were_sent_once_are_not_sent_again(void **state)
{
    (void)state;
    struct message v = message("{\"task\": \"t\", \"CC\": [\"q\"], \"BCC\": [\"q\"]}"), letter;
    struct err e;
    assert_true(republish_later(&v, &letter, &e));
    assert_int_equal(json_object_size(letter.headers), 1);
    republish_free(&letter);
    json_decref(v.headers);
}

static void an_expiration_would_end_the_wait_early_and_is_left_out(void **state)
{
    (void)state;
    struct message v = message("{}"), letter;
    struct err e;
    assert_true(republish_later(&v, &letter, &e));
    assert_null(letter.expiration);
    assert_int_equal(letter.priority, 3);
    republish_free(&letter);
    json_decref(v.headers);
}

static void a_dead_letter_says_why_where_when_and_keeps_the_rest(void **state)
{
    (void)state;
    struct message v = message("{\"task\": \"parse\", \"mine\": [1, null]}"), letter;
    struct err why, e;
    (void)err_set(&why, ERR_REJECT, "not_xml", "line 3");
    struct dead_letter_reason reason = {
        .why = &why, .attempts = 4, .queue = "meterbeat", .worker = "w@h/1"};
    assert_true(republish_dead(&v, &reason, false, &letter, &e));
    assert_string_equal(text(&letter, "x-meterbeat-reason"), "not_xml");
    assert_string_equal(text(&letter, "x-meterbeat-error"), "line 3");
    assert_string_equal(text(&letter, "x-meterbeat-queue"), "meterbeat");
    assert_string_equal(text(&letter, "x-meterbeat-worker"), "w@h/1");
    assert_string_equal(text(&letter, "x-meterbeat-time"), "1970-01-01T00:00:00Z");
    assert_int_equal(json_integer_value(json_object_get(letter.headers, "x-meterbeat-attempts")),
                     4);
    assert_int_equal(json_array_size(json_object_get(letter.headers, "mine")), 2);
    republish_free(&letter);
    json_decref(v.headers);
}

static void an_error_that_is_no_utf8_does_not_stop_a_dead_letter(void **state)
{
    (void)state;
    struct message v = message("{}"), letter;
    struct err why, e;
    (void)err_set(&why, ERR_REJECT, "bad_body", "\xff\xfe");
    struct dead_letter_reason reason = {.why = &why, .attempts = 1, .queue = "q", .worker = "w"};
    assert_true(republish_dead(&v, &reason, true, &letter, &e));
    assert_non_null(text(&letter, "x-meterbeat-error"));
    republish_free(&letter);
    json_decref(v.headers);
}

static void a_forged_attempt_count_is_bounded(void **state)
{
    (void)state;
    struct message v = message("{\"x-meterbeat-attempt\": 99999999999}");
    assert_int_equal(republish_attempt(&v), 1000);
    json_decref(v.headers);
    v = message("{\"x-meterbeat-attempt\": -7}");
    assert_int_equal(republish_attempt(&v), 0);
    json_decref(v.headers);
    v = message("{\"x-meterbeat-attempt\": \"7\"}");
    assert_int_equal(republish_attempt(&v), 0);
    json_decref(v.headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retry_counts_for_celery_and_for_us),
        cmocka_unit_test(a_protocol_1_message_gets_no_header_that_would_make_it_protocol_2),
        cmocka_unit_test(what_the_broker_wrote_is_left_out),
        cmocka_unit_test(copies_that_were_sent_once_are_not_sent_again),
        cmocka_unit_test(an_expiration_would_end_the_wait_early_and_is_left_out),
        cmocka_unit_test(a_dead_letter_says_why_where_when_and_keeps_the_rest),
        cmocka_unit_test(an_error_that_is_no_utf8_does_not_stop_a_dead_letter),
        cmocka_unit_test(a_forged_attempt_count_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
