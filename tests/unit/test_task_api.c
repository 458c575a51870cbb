/* What a task is given by whoever performs it: safe points while it sleeps, and why it was stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "worker/task/task.h"

/* Stops the task at its n-th safe point. */
struct host {
    int asked, stops_at;
    char progress[40];
};

static bool go_on(void *context, const char *progress, struct err *e)
{
    struct host *h = context;
    if (progress)
        snprintf(h->progress, sizeof h->progress, "%s", progress);
    return ++h->asked != h->stops_at || err_set(e, ERR_RETRY, "time_limit", "took too long");
}

static struct task_context task_of(struct host *h, struct task_host *host)
{
    *host = (struct task_host){.go_on = go_on, .context = h};
    return (struct task_context){.host = host};
}

static void a_sleep_lasts_as_long_as_it_is_told_and_tells_its_progress(void **state)
{
    (void)state;
    struct host h = {0};
    struct task_host host;
    struct task_context t = task_of(&h, &host);
    struct err e;
    int64_t begun_ms = clock_mono_ms();
    assert_true(task_sleep(&t, 30, "waiting", &e));
    assert_true(clock_mono_ms() - begun_ms >= 30);
    assert_string_equal(h.progress, "waiting");
    assert_true(h.asked >= 1);
    h.asked = 0;
    assert_true(task_sleep(&t, 0, NULL, &e));
    assert_true(task_sleep(&t, -5, NULL, &e));
    assert_int_equal(h.asked, 0);
}

static void a_long_sleep_ends_at_the_safe_point_that_stops_it(void **state)
{
    (void)state;
    struct host h = {.stops_at = 2};
    struct task_host host;
    struct task_context t = task_of(&h, &host);
    struct err e = {0};
    int64_t begun_ms = clock_mono_ms();
    assert_false(task_sleep(&t, 3600 * 1000, NULL, &e));
    assert_string_equal(e.code, "time_limit");
    assert_true(clock_mono_ms() - begun_ms < 60 * 1000);
}

static void what_failed_because_it_was_stopped_fails_for_the_reason_of_the_stop(void **state)
{
    (void)state;
    struct host h = {.stops_at = 2};
    struct task_host host;
    struct task_context t = task_of(&h, &host);
    struct task_stop stop = {.task = &t};
    struct err e = {0};
    (void)err_set(&e, ERR_RETRY, "feed_unreachable", "no connection");
    assert_false(task_stop_asked(&stop));
    assert_false(task_stopped(&stop, &e));
    assert_string_equal(e.code, "feed_unreachable");
    assert_true(task_stop_asked(&stop));
    assert_false(task_stopped(&stop, &e));
    assert_string_equal(e.code, "time_limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sleep_lasts_as_long_as_it_is_told_and_tells_its_progress),
        cmocka_unit_test(a_long_sleep_ends_at_the_safe_point_that_stops_it),
        cmocka_unit_test(what_failed_because_it_was_stopped_fails_for_the_reason_of_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
