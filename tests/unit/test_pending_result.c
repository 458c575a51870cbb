/* The result of a task on its way: when its delivery may be acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "worker/runtime/pending_result.h"

static struct pending_result *result;

static int start(void **state)
{
    (void)state;
    struct message v = {.priority = -1, .correlation_id = strdup("id-1"), .body = strdup("{}")};
    result = pending_result_new(&v, "replies");
    return result ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    pending_result_free(result);
    return 0;
}

static void fails(enum publish_failure failure)
{
    assert_int_equal(result->publication.state, PUBLICATION_WAITING);
    result->publication.state = PUBLICATION_FAILED;
    result->publication.failure = failure;
    (void)err_set(&result->publication.error, ERR_RETRY, "why", "because");
}

static void it_goes_to_the_client_s_queue_if_that_is_there(void **state)
{
    (void)state;
    assert_string_equal(result->publication.route.routing_key, "replies");
    assert_true(result->publication.route.optional && result->publication.route.transient);
    assert_int_equal(result->request.count, 1);
    assert_ptr_equal(result->request.items, &result->publication);
}

static void confirmed_it_is_over(void **state)
{
    (void)state;
    result->publication.state = PUBLICATION_CONFIRMED;
    assert_true(pending_result_is_over(result, 5));
}

static void a_lost_confirm_publishes_it_again_at_once_for_ever(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        fails(i % 2 ? PUBLISH_FAILED_AWAY : PUBLISH_FAILED_CHANNEL);
        assert_false(pending_result_is_over(result, 5));
        assert_int_equal(result->request.not_before_ms, 0);
        assert_int_equal(result->request.deadline_ms, INT64_MAX);
    }
}

static void refused_it_is_tried_three_times_with_pauses(void **state)
{
    (void)state;
    fails(PUBLISH_FAILED_REFUSED);
    assert_false(pending_result_is_over(result, 5));
    assert_int_equal(result->request.not_before_ms, 1005);
    fails(PUBLISH_FAILED_AWAY); /* no refusal */
    assert_false(pending_result_is_over(result, 6));
    fails(PUBLISH_FAILED_REFUSED);
    assert_false(pending_result_is_over(result, 2000));
    fails(PUBLISH_FAILED_REFUSED);
    assert_true(pending_result_is_over(result, 4000));
}

static void one_that_nobody_answers_or_that_cannot_be_sent_is_given_up(void **state)
{
    (void)state;
    fails(PUBLISH_FAILED_SILENT);
    assert_true(pending_result_is_over(result, 5));
    result->publication.state = PUBLICATION_WAITING;
    fails(PUBLISH_FAILED_FOR_GOOD);
    assert_true(pending_result_is_over(result, 5));
}

#define RESULT_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULT_TEST(it_goes_to_the_client_s_queue_if_that_is_there),
        RESULT_TEST(confirmed_it_is_over),
        RESULT_TEST(a_lost_confirm_publishes_it_again_at_once_for_ever),
        RESULT_TEST(refused_it_is_tried_three_times_with_pauses),
        RESULT_TEST(one_that_nobody_answers_or_that_cannot_be_sent_is_given_up),
    };
    return cmocka_run_group_tests_name("test_pending_result", tests, NULL, NULL);
}
