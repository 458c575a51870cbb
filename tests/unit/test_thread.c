/* A thread whose end is waited for within a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <semaphore.h>

#include "common/base/clock.h"
#include "common/base/thread.h"

#define STACK_BYTES (1UL << 20) /* sanitizers' frames are some times larger */
#define LONG_MS 60000

struct waiter {
    sem_t go_on;
    int sum;
};

static void wait_then_write(void *context)
{
    struct waiter *w = context;
    while (sem_wait(&w->go_on) != 0)
        ;
    w->sum = 42;
}

static void joining_a_thread_that_runs_fails_at_its_time_and_leaves_it(void **state)
{
    (void)state;
    struct waiter w = {.sum = 0};
    sem_init(&w.go_on, 0, 0);
    struct thread *t = thread_start(wait_then_write, &w, STACK_BYTES);
    assert_non_null(t);
    assert_false(thread_join(t, 0));
    int64_t before_ms = clock_mono_ms();
    assert_false(thread_join(t, 20));
    assert_true(clock_mono_ms() - before_ms >= 20);
    sem_post(&w.go_on);
    assert_true(thread_join(t, LONG_MS));
    sem_destroy(&w.go_on);
}

static void what_a_thread_wrote_is_seen_once_it_is_joined(void **state)
{
    (void)state;
    struct waiter w = {.sum = 0};
    sem_init(&w.go_on, 0, 1);
    struct thread *t = thread_start(wait_then_write, &w, STACK_BYTES);
    assert_non_null(t);
    assert_true(thread_join(t, LONG_MS));
    assert_int_equal(w.sum, 42);
    w.sum = 0; /* a race for the thread sanitizer, unless the join is an edge for it */
    sem_destroy(&w.go_on);
}

static void a_stack_that_cannot_be_had_starts_no_thread(void **state)
{
    (void)state;
    assert_null(thread_start(wait_then_write, NULL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_a_thread_that_runs_fails_at_its_time_and_leaves_it),
        cmocka_unit_test(what_a_thread_wrote_is_seen_once_it_is_joined),
        cmocka_unit_test(a_stack_that_cannot_be_had_starts_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
