/* Ends of a start that are written twice because an answer was lost, and what a copy of a delivery
 * finds. */
#include "books_test.h"

#include "common/store/run.h"

static struct run take_as(struct pg *p, const char *task_id, bool is_redelivered,
                          enum run_state expected, struct run before)
{
    struct err e = {0};
    struct run run = before;
    struct run_ended ended = {.result = NULL};
    enum run_state state;
    const struct run_key key = {.task_id = task_id,
                                .task = "parse",
                                .arguments = "[[7], {}]",
                                .queue = "work",
                                .is_redelivered = is_redelivered};
    assert_ok(run_take(p, &key, "worker@test", 60, &state, &run, &ended, &e), e);
    assert_int_equal(state, expected);
    if (state == RUN_HELD)
        assert_in_range(ended.held_s, 55, 60);
    return run;
}

static struct run take(struct pg *p, const char *task_id)
{
    return take_as(p, task_id, true, RUN_TAKEN, (struct run){0});
}

static struct err reason(const char *code)
{
    struct err why = {0};
    (void)err_set(&why, ERR_RETRY, code, "HTTP 503");
    return why;
}

#define STARTS_ENDED "SELECT count(*) FROM meterbeat.run WHERE token = ended AND token = 1"

static void an_end_that_is_written_twice_is_true_twice_and_counts_once(void **state)
{
    (void)state;
    struct err e = {0}, why = reason("feed_unavailable");
    struct pg *p = books_connect();
    for (int try = 0; try < 2; try++) {
        struct run retried = {.task_id = "retried", .token = 1};
        struct run dead = {.task_id = "dead", .token = 1}, waits = {.task_id = "waits", .token = 1};
        struct run released = {.task_id = "released", .token = 1};
        if (try == 0) {
            take(p, "retried");
            take(p, "dead");
            take(p, "waits");
            take(p, "released");
        }
        assert_ok(run_retry(p, &retried, 60, &why, &e), e);
        assert_ok(run_dead(p, &dead, &why, &e), e);
        assert_ok(run_wait(p, &waits, 60, "not yet", &e), e);
        assert_ok(run_release(p, &released, &e), e);
        assert_int_equal(books_count(p, STARTS_ENDED), 4);
        assert_int_equal(books_count(p, "SELECT sum(failed) FROM meterbeat.run"), 1);
    }
    pg_free(p);
}

static void an_end_that_somebody_else_has_made_void_is_lost(void **state)
{
    (void)state;
    struct err e = {0}, why = reason("feed_unavailable");
    struct pg *p = books_connect();
    struct run r = take(p, "a");
    assert_ok(run_retry(p, &r, 60, &why, &e), e);
    struct run next = take(p, "a");
    assert_fails(run_retry(p, &r, 60, &why, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_wait(p, &r, 60, "x", &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_release(p, &r, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_ok(run_revoke(p, "a", "revoked", true, &e), e);
    assert_fails(run_dead(p, &next, &why, &e), e, ERR_LEASE_LOST,
                 "lease_lost"); /* not by this one */
    assert_fails(run_retry(p, &next, 60, &why, &e), e, ERR_LEASE_LOST, "lease_lost");
    pg_free(p);
}

static void a_start_that_is_taken_again_after_an_unknown_commit_has_not_vanished(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    struct run first = take(p, "a");
    struct run again = take_as(p, "a", false, RUN_TAKEN, first); /* it knows the first as its own */
    assert_int_equal(again.token, 2);
    assert_int_equal(again.vanished, 0);
    assert_int_equal(take(p, "a").vanished, 1); /* the second's process was killed */
    pg_free(p);
}

static void a_copy_of_a_delivery_that_is_held_comes_again_and_takes_nothing_over(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    struct run holder = take(p, "a");
    take_as(p, "a", false, RUN_HELD, (struct run){0});
    assert_ok(run_renew(p, &holder, 60, "goes on", &e), e);
    books_run(p, "UPDATE meterbeat.run SET lease_until = now() - interval '1 second'");
    assert_int_equal(take_as(p, "a", false, RUN_TAKEN, (struct run){0}).token, 2);
    assert_int_equal(take_as(p, "a", true, RUN_TAKEN, (struct run){0}).token, 3);
    pg_free(p);
}

static void behind_the_fence_nobody_takes_the_run_over(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect(), *q = books_connect();
    struct run r = take(p, "a");
    assert_ok(pg_begin(p, &e), e);
    assert_ok(run_fence(p, &r, &e), e);
    books_run(q, "SET lock_timeout = '100ms'");
    struct run none = {0};
    struct run_ended ended;
    enum run_state taken;
    const struct run_key key = {
        .task_id = "a", .task = "parse", .arguments = "[[],{}]", .is_redelivered = true};
    assert_fails(run_take(q, &key, "w", 60, &taken, &none, &ended, &e), e, ERR_RETRY,
                 "database_busy");
    assert_ok(pg_commit(p, &e), e);
    assert_ok(run_take(q, &key, "w", 60, &taken, &none, &ended, &e), e);
    assert_ok(pg_begin(p, &e), e);
    assert_fails(run_fence(p, &r, &e), e, ERR_LEASE_LOST, "lease_lost");
    pg_rollback(p);
    pg_free(p);
    pg_free(q);
}

static void now_is_the_databases(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    int64_t before = books_count(p, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)");
    struct run r = take(p, "a");
    int64_t after = books_count(p, "SELECT ceil(extract(epoch FROM clock_timestamp()) * 1000)");
    assert_in_range(r.now_ms, before, after);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_end_that_is_written_twice_is_true_twice_and_counts_once,
                               books_fresh),
        cmocka_unit_test_setup(an_end_that_somebody_else_has_made_void_is_lost, books_fresh),
        cmocka_unit_test_setup(a_start_that_is_taken_again_after_an_unknown_commit_has_not_vanished,
                               books_fresh),
        cmocka_unit_test_setup(a_copy_of_a_delivery_that_is_held_comes_again_and_takes_nothing_over,
                               books_fresh),
        cmocka_unit_test_setup(behind_the_fence_nobody_takes_the_run_over, books_fresh),
        cmocka_unit_test_setup(now_is_the_databases, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
