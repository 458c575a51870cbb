/* Runs: leases, fencing, the count of vanished starts, one open run of a record. */
#include "books_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/store/run.h"

static struct run_key key_of(const char *task_id, int64_t record)
{
    return (struct run_key){.task_id = task_id,
                            .task = "parse",
                            .record_id = record,
                            .arguments = "[[7], {}]",
                            .is_redelivered = true,
                            .only_one = record != 0};
}

static struct run take(struct pg *p, const char *task_id, int64_t record)
{
    struct err e = {0};
    struct run run = {0};
    struct run_ended ended = {.result = NULL};
    enum run_state state;
    struct run_key key = key_of(task_id, record);
    assert_ok(run_take(p, &key, "worker@test", 60, &state, &run, &ended, &e), e);
    assert_int_equal(state, RUN_TAKEN);
    return run;
}

static enum run_state take_again(struct pg *p, const char *task_id, int64_t record)
{
    struct err e = {0};
    struct run run = {0};
    struct run_ended ended = {.result = NULL};
    enum run_state state;
    struct run_key key = key_of(task_id, record);
    assert_ok(run_take(p, &key, "worker@test", 60, &state, &run, &ended, &e), e);
    return state;
}

static void a_stale_holder_changes_no_row(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect(), *q = books_connect();
    struct run stale = take(p, "a", 0), fresh = take(q, "a", 0);
    assert_int_equal(fresh.token, stale.token + 1);
    const char *row = "SELECT hashtext(r::text) FROM meterbeat.run r";
    int64_t before = books_count(q, row);
    err_set(&why, ERR_RETRY, "http_status", "503");
    assert_fails(run_renew(p, &stale, 60, "x", &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_done(p, &stale, "x", NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_retry(p, &stale, 10, &why, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_dead(p, &stale, &why, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_fails(run_release(p, &stale, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_int_equal(books_count(q, row), before);
    assert_ok(run_done(q, &fresh, "all", NULL, &e), e);
    assert_fails(run_done(q, &fresh, "twice", NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    pg_free(p);
    pg_free(q);
}

static void a_stale_holders_transaction_leaves_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect(), *q = books_connect();
    books_run(p, "CREATE TABLE effect (n int)");
    struct run stale = take(p, "a", 0);
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_do(p, &e, NULL, "INSERT INTO effect VALUES (1)", PG_NO_ARGS), e);
    struct run fresh = take(q, "a", 0);
    assert_fails(run_done(p, &stale, "x", NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    pg_rollback(p);
    assert_ok(run_done(q, &fresh, "x", NULL, &e), e);
    assert_int_equal(books_count(p, "SELECT count(*) FROM effect"), 0);
    pg_free(p);
    pg_free(q);
}

static void the_next_start_is_told_the_checkpoint_of_the_one_before(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    json_t *set = json_pack("{s:i}", "points", 7), *found;
    struct run first = take(p, "a", 0);
    assert_ok(run_checkpoint(p, &first, &found, &e), e);
    assert_null(found);
    assert_ok(run_set_checkpoint(p, &first, set, &e), e);
    struct run second = take(p, "a", 0);
    assert_fails(run_set_checkpoint(p, &first, NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_ok(run_checkpoint(p, &second, &found, &e), e);
    assert_true(json_equal(found, set));
    json_decref(found);
    assert_ok(run_done(p, &second, "all", NULL, &e), e);
    assert_ok(run_checkpoint(p, &second, &found, &e), e);
    assert_null(found);
    json_decref(set);
    pg_free(p);
}

static void a_finished_run_is_not_taken_again(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect();
    struct run done = take(p, "a", 0), dead = take(p, "b", 0);
    err_set(&why, ERR_REJECT, "not_xml", "line 1 \xc3");
    assert_ok(run_done(p, &done, "x", NULL, &e), e);
    assert_ok(run_dead(p, &dead, &why, &e), e);
    assert_int_equal(take_again(p, "a", 0), RUN_DONE_BEFORE);
    assert_int_equal(take_again(p, "b", 0), RUN_DEAD_BEFORE);
    bool reopened;
    assert_ok(run_reopen(p, "a", &reopened, &e), e);
    assert_false(reopened);
    assert_ok(run_reopen(p, "b", &reopened, &e), e);
    assert_true(reopened);
    struct run again = take(p, "b", 0);
    assert_int_equal(again.token, 2);
    assert_int_equal(again.vanished, 0);
    pg_free(p);
}

static void what_was_to_be_retried_and_cannot_be_sent_is_dead_by_the_same_start_only(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect();
    err_set(&why, ERR_RETRY, "no_queue", "there is no such rung");
    struct run first = take(p, "a", 0);
    assert_ok(run_retry(p, &first, 60, &why, &e), e);
    struct run second = take(p, "a", 0);
    assert_fails(run_dead(p, &first, &why, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_ok(run_retry(p, &second, 60, &why, &e), e);
    assert_ok(run_dead(p, &second, &why, &e), e);
    assert_int_equal(take_again(p, "a", 0), RUN_DEAD_BEFORE);
    assert_int_equal(
        books_count(p, "SELECT count(*) FROM meterbeat.run WHERE ended = token AND token = 2"), 1);
    pg_free(p);
}

static void starts_without_an_end_are_counted_apart_from_failures(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect();
    err_set(&why, ERR_RETRY, "http_status", "503");
    struct run r = take(p, "a", 0);
    assert_int_equal(r.vanished, 0);
    assert_ok(run_retry(p, &r, 0, &why, &e), e);
    r = take(p, "a", 0);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.vanished, 0);
    r = take(p, "a", 0); /* the second start's process was killed */
    assert_int_equal(r.vanished, 1);
    assert_ok(run_release(p, &r, &e), e); /* the third's was told to stop */
    r = take(p, "a", 0);
    assert_int_equal(r.token, 4);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.vanished, 1);
    pg_free(p);
}

static void a_record_has_one_open_run(void **state)
{
    (void)state;
    struct err e = {0};
    bool is_new;
    struct pg *p = books_connect();
    struct run_key first = key_of("first", 7), second = key_of("second", 7), other = key_of("o", 8);
    struct run_key window = key_of("window", 7);
    window.only_one = false;
    assert_ok(run_expect(p, &first, &is_new, &e), e);
    assert_true(is_new);
    assert_ok(run_expect(p, &first, &is_new, &e), e);
    assert_false(is_new);
    assert_ok(run_expect(p, &second, &is_new, &e), e);
    assert_false(is_new);
    assert_ok(run_expect(p, &other, &is_new, &e), e);
    assert_true(is_new);
    assert_ok(run_expect(p, &window, &is_new, &e), e);
    assert_true(is_new);
    struct run r = take(p, "first", 7);
    assert_ok(pg_begin(p, &e), e); /* as parse ends: done, and the next window in one transaction */
    assert_ok(run_done(p, &r, "x", NULL, &e), e);
    assert_ok(run_expect(p, &second, &is_new, &e), e);
    assert_true(is_new);
    assert_ok(pg_commit(p, &e), e);
    pg_free(p);
}

static void a_run_sent_by_hand_takes_the_place_of_one_that_waits(void **state)
{
    (void)state;
    struct err e = {0};
    bool is_new;
    struct pg *p = books_connect();
    struct run_key waiting = key_of("waiting", 7);
    assert_ok(run_expect(p, &waiting, &is_new, &e), e);
    struct run r = take(p, "by hand", 7);
    assert_int_equal(take_again(p, "waiting", 7), RUN_DONE_BEFORE);
    /* While that one is at it, another has nothing to do. */
    assert_int_equal(take_again(p, "another", 7), RUN_DONE_BEFORE);
    assert_ok(run_done(p, &r, "x", NULL, &e), e);
    r = take(p, "later", 7);
    /* Its lease ran out: somebody else may, and it has lost. */
    books_run(p, "UPDATE meterbeat.run SET lease_until = now() - interval '1 s'"
                 " WHERE task_id = 'later'");
    struct run heir = take(p, "heir", 7);
    assert_fails(run_done(p, &r, "x", NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    assert_ok(run_done(p, &heir, "x", NULL, &e), e);
    pg_free(p);
}

/* One delivery of the same message, on a connection of its own, as each worker would treat it. */
static void *work_on_it(void *argument)
{
    struct err e = {0};
    struct pg *p = books_connect();
    struct run_key key = key_of("contested", 7);
    struct run_ended ended;
    enum run_state taken = RUN_TAKEN;
    pthread_barrier_wait(argument);
    for (int attempts = 0; taken == RUN_TAKEN && attempts < 100; attempts++) {
        struct run run = {0};
        if (!run_take(p, &key, "worker@test", 60, &taken, &run, &ended, &e) || taken != RUN_TAKEN)
            continue;
        if (!(pg_begin(p, &e) &&
              pg_do(p, &e, NULL, "INSERT INTO effect VALUES ($1)", PG_ARGS(run.task_id)) &&
              run_done(p, &run, "x", NULL, &e) && pg_commit(p, &e)))
            pg_rollback(p);
    }
    pg_free(p);
    return NULL;
}

static struct run_ended ended_of(struct pg *p, const char *task_id, enum run_state expected)
{
    struct err e = {0};
    struct run run = {0};
    struct run_ended ended = {.result = NULL};
    enum run_state state;
    struct run_key key = key_of(task_id, 0);
    assert_ok(run_take(p, &key, "worker@test", 60, &state, &run, &ended, &e), e);
    assert_int_equal(state, expected);
    return ended;
}

static void how_a_run_ended_is_told_to_who_takes_it_again(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect();
    struct run full = take(p, "full", 0), empty = take(p, "empty", 0), dead = take(p, "dead", 0);
    json_t *result = json_pack("{s:f, s:s}", "sum", 0.1, "text", "it's \"é\" \n");
    err_set(&why, ERR_REJECT, "not_xml", "line 1");
    assert_ok(run_done(p, &full, "x", result, &e), e);
    assert_ok(run_done(p, &empty, "x", NULL, &e), e);
    assert_ok(run_dead(p, &dead, &why, &e), e);
    struct run_ended ended = ended_of(p, "full", RUN_DONE_BEFORE);
    assert_true(json_equal(ended.result, result));
    assert_null(ended_of(p, "empty", RUN_DONE_BEFORE).result);
    json_decref(ended.result);
    ended = ended_of(p, "dead", RUN_DEAD_BEFORE);
    assert_string_equal(ended.why.code, "not_xml");
    assert_string_equal(ended.why.text, "line 1");
    json_decref(result);
    pg_free(p);
}

static void a_result_that_is_too_long_is_refused_before_it_is_written(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    struct run r = take(p, "a", 0);
    json_t *list = json_array();
    for (int i = 0; i < RUN_RESULT_BYTES; i++)
        json_array_append_new(list, json_integer(1));
    assert_fails(run_done(p, &r, "x", list, &e), e, ERR_REJECT, "result_too_large");
    assert_ok(run_done(p, &r, "x", NULL, &e), e);
    json_decref(list);
    pg_free(p);
}

static void a_revoked_run_is_dead_unless_somebody_is_at_it(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    struct run_key key = key_of("waits", 0);
    bool is_new;
    take(p, "held", 0);
    assert_ok(run_expect(p, &key, &is_new, &e), e);
    assert_ok(run_revoke(p, "waits", "revoked", false, &e), e);
    assert_ok(run_revoke(p, "held", "revoked", false, &e), e);
    assert_ok(run_revoke(p, "unknown", "revoked", false, &e), e);
    struct run_ended ended = ended_of(p, "waits", RUN_DEAD_BEFORE);
    assert_string_equal(ended.why.code, "revoked");
    assert_string_equal(ended.why.text, "revoked");
    assert_int_equal(take_again(p, "held", 0), RUN_TAKEN);
    assert_ok(run_revoke(p, "held", "terminated", true, &e), e);
    assert_string_equal(ended_of(p, "held", RUN_DEAD_BEFORE).why.text, "terminated");
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.run"), 2);
    pg_free(p);
}

static void of_many_at_the_same_run_one_commits(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    books_run(p, "CREATE TABLE effect (task_id text)");
    pthread_barrier_t start;
    pthread_t threads[8];
    pthread_barrier_init(&start, NULL, ARRAY_LEN(threads));
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work_on_it, &start), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(books_count(p, "SELECT count(*) FROM effect"), 1);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.run WHERE state = 'done'"), 1);
    pthread_barrier_destroy(&start);
    pg_free(p);
}

static void a_task_id_that_is_too_long_is_rejected(void **state)
{
    (void)state;
    char id[300];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    struct err e = {0};
    enum run_state taken;
    struct run_ended ended;
    struct run run = {0};
    struct run_key key = key_of(id, 0);
    struct pg *p = books_connect();
    assert_fails(run_take(p, &key, "w", 60, &taken, &run, &ended, &e), e, ERR_REJECT, "bad_id");
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_stale_holder_changes_no_row, books_fresh),
        cmocka_unit_test_setup(a_stale_holders_transaction_leaves_nothing, books_fresh),
        cmocka_unit_test_setup(how_a_run_ended_is_told_to_who_takes_it_again, books_fresh),
        cmocka_unit_test_setup(a_result_that_is_too_long_is_refused_before_it_is_written,
                               books_fresh),
        cmocka_unit_test_setup(a_revoked_run_is_dead_unless_somebody_is_at_it, books_fresh),
        cmocka_unit_test_setup(the_next_start_is_told_the_checkpoint_of_the_one_before,
                               books_fresh),
        cmocka_unit_test_setup(a_finished_run_is_not_taken_again, books_fresh),
        cmocka_unit_test_setup(
            what_was_to_be_retried_and_cannot_be_sent_is_dead_by_the_same_start_only, books_fresh),
        cmocka_unit_test_setup(starts_without_an_end_are_counted_apart_from_failures, books_fresh),
        cmocka_unit_test_setup(a_record_has_one_open_run, books_fresh),
        cmocka_unit_test_setup(a_run_sent_by_hand_takes_the_place_of_one_that_waits, books_fresh),
        cmocka_unit_test_setup(of_many_at_the_same_run_one_commits, books_fresh),
        cmocka_unit_test_setup(a_task_id_that_is_too_long_is_rejected, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
