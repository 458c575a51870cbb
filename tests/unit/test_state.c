/* What the threads of a worker tell remote control, and what it tells them. */
#include "control_test.h"

#include "worker/tasks.h"

#include <pthread.h>

static void the_clock_is_beyond_what_it_has_heard(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    assert_int_equal(state_clock_tick(st), 1);
    state_clock_hear(st, 41);
    assert_int_equal(state_clock(st), 42);
    state_clock_hear(st, 7);
    assert_int_equal(state_clock(st), 43);
    state_clock_hear(st, INT64_MAX);
    state_clock_hear(st, -1);
    assert_int_equal(state_clock(st), 43);
    state_free(st);
}

static size_t count_of(struct state *st, enum delivery_stage stage)
{
    size_t count;
    struct state_entry *entries = state_entries(st, stage, &count);
    state_entries_free(entries, count);
    return count;
}

static void a_delivery_is_reserved_scheduled_active_and_gone(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    struct delivery *a = delivery_of("meterbeat.echo", "a", "[]");
    struct delivery *b = delivery_of("meterbeat.ping", "b", "[]");
    state_arrived(st, a);
    state_arrived(st, b);
    assert_int_equal(count_of(st, DELIVERY_RESERVED), 2);
    state_held(st, a, 99);
    assert_int_equal(count_of(st, DELIVERY_SCHEDULED), 1);
    assert_int_equal(state_active(st), 0);
    state_started(st, b, task_find("meterbeat.ping"), "b", 1234);
    size_t count;
    struct state_entry *active = state_entries(st, DELIVERY_ACTIVE, &count);
    assert_int_equal(count, 1);
    assert_ptr_equal(active[0].delivery, b);
    assert_int_equal(active[0].since_ms, 1234);
    assert_int_equal(state_active(st), 1);
    state_ended(st, b);
    state_gone(st, b);
    delivery_release(b);
    assert_string_equal(b->routing_key, "meterbeat"); /* the list still has it */
    state_entries_free(active, count);
    assert_int_equal(count_of(st, DELIVERY_UNKNOWN), 1);
    state_gone(st, a);
    delivery_release(a);
    assert_int_equal(count_of(st, DELIVERY_UNKNOWN), 0);
    assert_int_equal(state_processed(st), 1);
    assert_json(state_totals(st), "{'meterbeat.ping': 1}");
    state_free(st);
}

static void only_the_task_that_runs_is_terminated_and_only_once(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    struct delivery *d = delivery_of("meterbeat.sleep", "a", "[]");
    state_arrived(st, d);
    assert_false(state_terminate(st, "a"));
    state_started(st, d, task_find("meterbeat.sleep"), "a", 0);
    assert_false(state_terminate(st, "b"));
    assert_false(state_terminated(st));
    assert_true(state_terminate(st, "a"));
    assert_true(state_terminated(st));
    state_ended(st, d);
    state_started(st, d, task_find("meterbeat.sleep"), "b", 0);
    assert_false(state_terminated(st));
    state_ended(st, d);
    state_gone(st, d);
    delivery_release(d);
    state_free(st);
}

static void ids_and_stamps_are_revoked(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    json_t *headers =
        json_of("{'stamped_headers': ['of', 'by'], 'stamps': {'of': 'x', 'by': ['y', 7]}}");
    json_t *stamps = json_of("{'by': 7, 'none': {'no': 'stamp'}}");
    assert_false(state_is_revoked(st, "a", headers));
    assert_true(state_revoke(st, "a", NULL));
    assert_true(state_is_revoked(st, "a", NULL));
    assert_false(state_is_revoked(st, "b", headers));
    assert_true(state_revoke_stamps(st, stamps));
    assert_true(state_is_revoked(st, "b", headers));
    json_object_del(headers, "stamped_headers");
    assert_false(state_is_revoked(st, "b", headers));
    assert_true(state_revoked_before(st, "old", 30000));
    assert_true(state_revoked_before(st, "too old", 61000));
    assert_true(state_is_revoked(st, "old", NULL));
    assert_false(state_is_revoked(st, "too old", NULL));
    json_decref(headers);
    json_decref(stamps);
    state_free(st);
}

static void stamps_are_bounded(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    json_t *stamps = json_object(), *list = json_array();
    for (int i = 0; i < 1001; i++)
        json_array_append_new(list, json_integer(i));
    json_object_set_new(stamps, "header", list);
    assert_true(
        state_revoke_stamps(st, stamps)); /* what is too much of one list is not looked at */
    json_decref(stamps);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "h%d", i);
        json_t *one = json_pack("{s:i}", name, 1);
        assert_int_equal(state_revoke_stamps(st, one), i < 999);
        json_decref(one);
    }
    state_free(st);
}

static void limits_are_kept_by_task(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    const struct task *echo = task_find("meterbeat.echo"), *ping = task_find("meterbeat.ping");
    char text[STATE_RATE_TEXT];
    double soft_s, hard_s;
    assert_int_equal(state_rate_wait_ms(st, echo), 0);
    state_set_rate(st, echo, 0.1, "6/m");
    state_rate_text(st, echo, text);
    assert_string_equal(text, "6/m");
    assert_true(state_has_rate(st, echo));
    assert_false(state_has_rate(st, ping));
    assert_int_equal(state_rate_wait_ms(st, echo), 0);
    assert_in_range(state_rate_wait_ms(st, echo), 5000, 10000);
    assert_int_equal(state_rate_wait_ms(st, ping), 0);
    state_set_rate(st, echo, 0, "");
    assert_int_equal(state_rate_wait_ms(st, echo), 0);
    state_set_limits(st, echo, 1.5, 3);
    state_limits(st, echo, &soft_s, &hard_s);
    assert_true(soft_s == 1.5 && hard_s == 3);
    state_limits(st, ping, &soft_s, &hard_s);
    assert_true(soft_s == 0 && hard_s == 0);
    state_free(st);
}

static void *make_known(void *st)
{
    state_revoked_known(st);
    return NULL;
}

static void a_start_waits_until_the_revoked_are_known_and_not_for_ever(void **unused)
{
    (void)unused;
    struct state *st = state_new(&settings);
    pthread_t thread;
    assert_false(state_await_revoked(st, 20));
    assert_int_equal(pthread_create(&thread, NULL, make_known, st), 0);
    assert_true(state_await_revoked(st, 60000));
    pthread_join(thread, NULL);
    state_free(st);
}

int main(void)
{
    tasks_register();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_is_beyond_what_it_has_heard),
        cmocka_unit_test(a_delivery_is_reserved_scheduled_active_and_gone),
        cmocka_unit_test(only_the_task_that_runs_is_terminated_and_only_once),
        cmocka_unit_test(ids_and_stamps_are_revoked),
        cmocka_unit_test(stamps_are_bounded),
        cmocka_unit_test(limits_are_kept_by_task),
        cmocka_unit_test(a_start_waits_until_the_revoked_are_known_and_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
