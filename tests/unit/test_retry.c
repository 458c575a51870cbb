/* The retry schedule: which delay, and when there is none left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "worker/runtime/retry.h"
#include "worker/runtime/unavailable.h"

static const int64_t delays_s[] = {10, 60, 600, 3600};
static const struct backoff_schedule schedule = {delays_s, 4};

#define NO_JITTER 1

static void each_failure_takes_the_next_delay(void **state)
{
    (void)state;
    for (int failed = 0; failed < 4; failed++)
        assert_int_equal(retry_delay(schedule, failed, 0, NO_JITTER), delays_s[failed]);
}

static void after_the_last_delay_it_is_dead(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 8; random++) {
        assert_int_equal(retry_delay(schedule, 4, 0, random), 0);
        assert_int_equal(retry_delay(schedule, INT64_MAX, 30, random), 0);
    }
    assert_int_equal(retry_delay((struct backoff_schedule){delays_s, 0}, 0, 0, NO_JITTER), 0);
}

static void jitter_takes_the_next_longer_delay_and_never_leaves_the_schedule(void **state)
{
    (void)state;
    int above = 0;
    for (uint32_t random = 0; random < 400; random++) {
        int64_t delay = retry_delay(schedule, 1, 0, random);
        assert_true(delay == 60 || delay == 600);
        above += delay == 600;
        assert_int_equal(retry_delay(schedule, 3, 0, random), 3600);
    }
    assert_int_equal(above, 100);
}

static void retry_after_is_respected_by_the_shortest_delay_that_can(void **state)
{
    (void)state;
    assert_int_equal(retry_delay(schedule, 0, 10, NO_JITTER), 10);
    assert_int_equal(retry_delay(schedule, 0, 11, NO_JITTER), 60);
    assert_int_equal(retry_delay(schedule, 0, 601, NO_JITTER), 3600);
    assert_int_equal(retry_delay(schedule, 2, 30, NO_JITTER), 600);
}

static void retry_after_beyond_the_schedule_takes_the_last_delay(void **state)
{
    (void)state;
    assert_int_equal(retry_delay(schedule, 0, INT32_MAX, NO_JITTER), 3600);
}

static void a_negative_count_of_failures_is_none(void **state)
{
    (void)state;
    assert_int_equal(retry_delay(schedule, -5, 0, NO_JITTER), 10);
}

static void an_eta_waits_for_the_longest_delay_that_does_not_make_it_late(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_within(schedule, 9999), 0);
    assert_int_equal(retry_delay_within(schedule, 10000), 10);
    assert_int_equal(retry_delay_within(schedule, 59999), 10);
    assert_int_equal(retry_delay_within(schedule, 3600000), 3600);
    assert_int_equal(retry_delay_within(schedule, INT64_MAX), 3600);
    assert_int_equal(retry_delay_within(schedule, -1), 0);
}

static void
what_a_retry_queue_does_not_take_goes_to_the_next_shorter_one_then_to_longer(void **state)
{
    (void)state;
    static const int64_t instead[] = {60, 10, 3600, 0, 0};
    for (size_t n = 0; n < 5; n++)
        assert_int_equal(retry_delay_instead(schedule, 600, n), instead[n]);
    assert_int_equal(retry_delay_instead(schedule, 1, 0), 10); /* the short one is not among them */
    assert_int_equal(retry_delay_instead(schedule, 1, 4), 0);
    assert_int_equal(retry_delay_instead((struct backoff_schedule){delays_s, 1}, 10, 0), 0);
}

static void a_queue_is_passed_over_for_a_while_and_then_tried_again(void **state)
{
    (void)state;
    struct unavailable_queues s = {0};
    char name[16];
    assert_false(unavailable_has(&s, "q", 1));
    unavailable_add(&s, "q", 1000);
    unavailable_add(&s, "q", 2000);
    assert_true(unavailable_has(&s, "q", 1999 + UNAVAILABLE_FOR_MS));
    assert_false(unavailable_has(&s, "q", 2000 + UNAVAILABLE_FOR_MS));
    for (int i = 0; i < UNAVAILABLE_MAX; i++) {
        snprintf(name, sizeof name, "q%d", i);
        unavailable_add(&s, name, 3000 + i);
    }
    assert_false(unavailable_has(&s, "q", 4000)); /* the oldest had to go */
    assert_true(unavailable_has(&s, "q0", 4000) && unavailable_has(&s, name, 4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_takes_the_next_delay),
        cmocka_unit_test(after_the_last_delay_it_is_dead),
        cmocka_unit_test(jitter_takes_the_next_longer_delay_and_never_leaves_the_schedule),
        cmocka_unit_test(retry_after_is_respected_by_the_shortest_delay_that_can),
        cmocka_unit_test(retry_after_beyond_the_schedule_takes_the_last_delay),
        cmocka_unit_test(a_negative_count_of_failures_is_none),
        cmocka_unit_test(
            what_a_retry_queue_does_not_take_goes_to_the_next_shorter_one_then_to_longer),
        cmocka_unit_test(a_queue_is_passed_over_for_a_while_and_then_tried_again),
        cmocka_unit_test(an_eta_waits_for_the_longest_delay_that_does_not_make_it_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
