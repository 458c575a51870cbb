/* Queues that did not answer: which is tried when, and when it is news. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/amqp/unresponsive.h"

static void a_suspect_is_tried_at_once_and_forgotten_without_a_word_when_it_answers(void **state)
{
    (void)state;
    struct unresponsive u = {0};
    unresponsive_suspect(&u, "a", 1000);
    unresponsive_suspect(&u, "a", 5000); /* known already */
    assert_true(unresponsive_has(&u, "a"));
    assert_string_equal(unresponsive_due(&u, 1000)->queue, "a");
    assert_false(unresponsive_forget(&u, "a"));
    assert_false(unresponsive_has(&u, "a"));
    assert_null(unresponsive_due(&u, 9999));
    assert_true(unresponsive_next_ms(&u) == INT64_MAX);
}

static void one_that_does_not_answer_is_news_once_and_tried_after_growing_pauses(void **state)
{
    (void)state;
    struct unresponsive u = {0};
    int64_t now_ms = 0, pause_ms = 0;
    assert_true(unresponsive_confirm(&u, "a", now_ms));
    for (int i = 0; i < 10; i++) {
        int64_t next_ms = unresponsive_next_ms(&u);
        assert_true(next_ms - now_ms >= pause_ms && next_ms - now_ms <= UNRESPONSIVE_LONGEST_MS);
        assert_null(unresponsive_due(&u, next_ms - 1));
        assert_non_null(unresponsive_due(&u, next_ms));
        pause_ms = next_ms - now_ms;
        now_ms = next_ms;
        assert_false(unresponsive_confirm(&u, "a", now_ms));
    }
    assert_true(pause_ms == UNRESPONSIVE_LONGEST_MS);
    assert_true(unresponsive_forget(&u, "a"));
}

static void a_trial_takes_a_tenth_of_the_time_at_most_and_a_second_at_least(void **state)
{
    (void)state;
    struct unresponsive u = {0};
    unresponsive_suspect(&u, "a", 0);
    assert_int_equal(unresponsive_patience_ms(unresponsive_due(&u, 0), 30000), 10000);
    assert_int_equal(unresponsive_patience_ms(unresponsive_due(&u, 0), 600), 600);
    int64_t now_ms = 0;
    for (int i = 0; i < 10; i++) {
        (void)unresponsive_confirm(&u, "a", now_ms);
        int64_t pause_ms = unresponsive_next_ms(&u) - now_ms;
        now_ms += pause_ms;
        int64_t patience_ms = unresponsive_patience_ms(unresponsive_due(&u, now_ms), 20000);
        assert_true(patience_ms >= 1000 && patience_ms <= pause_ms / 10 && patience_ms <= 20000);
    }
}

static void the_one_that_is_due_longest_is_tried_first(void **state)
{
    (void)state;
    struct unresponsive u = {0};
    unresponsive_suspect(&u, "later", 20);
    unresponsive_suspect(&u, "first", 10);
    assert_string_equal(unresponsive_due(&u, 30)->queue, "first");
    (void)unresponsive_confirm(&u, "first", 30);
    assert_string_equal(unresponsive_due(&u, 30)->queue, "later");
    json_t *names = unresponsive_names(&u);
    assert_int_equal(json_array_size(names), 2);
    json_decref(names);
}

static void what_has_no_message_to_be_tried_with_is_looked_at_again_soon(void **state)
{
    (void)state;
    struct unresponsive u = {0};
    unresponsive_suspect(&u, "suspect", 0);
    unresponsive_idle(&u, "suspect", 0);
    assert_false(unresponsive_has(&u, "suspect"));
    for (int i = 0; i < 6; i++)
        (void)unresponsive_confirm(&u, "known", 0);
    unresponsive_idle(&u, "known", 1000);
    assert_true(unresponsive_next_ms(&u) == 1000 + UNRESPONSIVE_IDLE_MS);
}

static void no_more_are_remembered_than_there_is_room_for(void **state)
{
    (void)state;
    static struct unresponsive u;
    char name[20];
    for (int i = 0; i < 2 * UNRESPONSIVE_MAX; i++) {
        (void)snprintf(name, sizeof name, "q%d", i);
        assert_int_equal(unresponsive_confirm(&u, name, 0), i < UNRESPONSIVE_MAX);
    }
    assert_int_equal(u.count, UNRESPONSIVE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suspect_is_tried_at_once_and_forgotten_without_a_word_when_it_answers),
        cmocka_unit_test(one_that_does_not_answer_is_news_once_and_tried_after_growing_pauses),
        cmocka_unit_test(a_trial_takes_a_tenth_of_the_time_at_most_and_a_second_at_least),
        cmocka_unit_test(the_one_that_is_due_longest_is_tried_first),
        cmocka_unit_test(what_has_no_message_to_be_tried_with_is_looked_at_again_soon),
        cmocka_unit_test(no_more_are_remembered_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
