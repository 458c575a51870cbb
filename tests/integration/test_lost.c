/* Runs whose message is gone: found by how many messages there are, by who was begun, by time. */
#include "books_test.h"

#include <stdio.h>
#include <string.h>

#include "common/store/lost_run.h"
#include "common/store/outbox.h"
#include "common/store/run.h"
#include "common/celery/task_message.h"

static void expect(struct pg *p, const char *task_id, const char *parent)
{
    struct err e = {0};
    bool is_new;
    const struct run_key key = {.task_id = task_id,
                                .task = "parse",
                                .arguments = "[[7],{\"from\":1}]",
                                .root_id = parent,
                                .parent_id = parent,
                                .queue = "work"};
    assert_ok(run_expect(p, &key, &is_new, &e), e);
    assert_true(is_new);
}

static struct run take(struct pg *p, const char *task_id, int64_t expires_ms)
{
    struct err e = {0};
    struct run run = {0};
    struct run_ended ended;
    enum run_state state;
    const struct run_key key = {.task_id = task_id,
                                .task = "parse",
                                .arguments = "[[7],{}]",
                                .queue = "work",
                                .expires_ms = expires_ms,
                                .is_redelivered = true};
    assert_ok(run_take(p, &key, "worker@test", 60, &state, &run, &ended, &e), e);
    assert_int_equal(state, RUN_TAKEN);
    return run;
}

/* All times of all runs are so many seconds longer ago. */
static void pass(struct pg *p, int seconds)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "UPDATE meterbeat.run SET lease_until = lease_until - interval '%d s',"
                   " missed_at = missed_at - interval '%d s', started_at = started_at -"
                   " interval '%d s', enqueued_at = enqueued_at - interval '%d s',"
                   " expires_at = expires_at - interval '%d s'",
                   seconds, seconds, seconds, seconds, seconds);
    books_run(p, sql);
}

/* One look at the queue, which holds so many messages; how many were promised anew. */
static size_t look_after(struct pg *p, int64_t held, int64_t after_s)
{
    struct err e = {0};
    size_t promised = 0;
    const struct lost_run_look look = {.queue = "work",
                                       .default_queue = "default",
                                       .serializer = "json",
                                       .owner = "producer",
                                       .held = held,
                                       .after_s = after_s,
                                       .now_ms = 1,
                                       .max = 10};
    assert_ok(pg_begin(p, &e), e);
    assert_ok(lost_run_look(p, &look, &promised, &e), e);
    assert_ok(pg_commit(p, &e), e);
    return promised;
}

static size_t look(struct pg *p, int64_t held)
{
    return look_after(p, held, 60);
}

static size_t queues(struct pg *p)
{
    struct err e = {0};
    char names[4][LOST_QUEUE_NAME];
    size_t count = 0;
    assert_ok(lost_run_queues(p, "default", 60, names, 4, &count, &e), e);
    if (count)
        assert_string_equal(names[0], "work");
    return count;
}

/* As if the relay had sent them. */
static void send_promised(struct pg *p)
{
    books_run(p, "DELETE FROM meterbeat.outbox");
}

static void a_run_whose_queue_is_empty_gets_one_message_within_three_minutes(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    expect(p, "lost", "parent");
    assert_int_equal(queues(p), 0);
    assert_int_equal(look(p, 0), 0); /* promised a moment ago: on its way */
    pass(p, 61);
    assert_int_equal(queues(p), 1);
    assert_int_equal(look(p, 0), 0); /* missed for the first time */
    pass(p, 31);
    assert_int_equal(look(p, 0), 1);
    assert_int_equal(queues(p), 0);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.outbox WHERE task_id = 'lost'"
                                    " AND owner = 'producer' AND queue = 'work'"),
                     1);
    pass(p, 300);
    assert_int_equal(look(p, 0), 0); /* still to be sent */
    pg_free(p);
}

static void its_new_message_is_the_old_ones_with_its_arguments(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    struct outbox_row *rows;
    size_t count;
    expect(p, "lost", "parent");
    pass(p, 61);
    look(p, 0);
    pass(p, 31);
    look(p, 0);
    assert_ok(pg_begin(p, &e), e);
    assert_ok(outbox_take(p, "producer", 0, 10, &rows, &count, &e), e);
    assert_int_equal(count, 1);
    struct task_message m = {0};
    struct task_message_limits limits = {.max_bytes = 1 << 20, .max_depth = 32};
    assert_ok(task_message_decode(&rows[0].message, &limits, &m, &e), e);
    assert_string_equal(m.id, "lost");
    assert_string_equal(m.root_id, "parent");
    assert_int_equal(json_integer_value(json_array_get(m.args, 0)), 7);
    assert_int_equal(json_integer_value(json_object_get(m.kwargs, "from")), 1);
    task_message_free(&m);
    outbox_rows_free(rows, count);
    pg_rollback(p);
    pg_free(p);
}

static void a_long_queue_is_not_sent_again(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    char id[20];
    for (int i = 0; i < 8; i++) {
        (void)snprintf(id, sizeof id, "run%d", i);
        expect(p, id, NULL);
    }
    for (int i = 0; i < 20; i++) {
        pass(p, 61);
        assert_int_equal(look(p, 8), 0);
    }
    assert_int_equal(look(p, 7), 0); /* one is being delivered just now */
    pass(p, 5);
    assert_int_equal(look(p, 8), 0);
    pass(p, 61);
    assert_int_equal(look(p, 8), 0);
    assert_int_equal(look(p, 6), 0); /* two are gone: the two oldest are taken for them */
    pass(p, 61);
    assert_int_equal(look(p, 6), 2);
    send_promised(p);
    pass(p, 61);
    assert_int_equal(look(p, 8), 0);
    pg_free(p);
}

static void a_message_that_does_not_help_is_sent_less_and_less_often(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    int sent = 0;
    expect(p, "lost", NULL);
    for (int minutes = 0; minutes < 120; minutes++) {
        pass(p, 60);
        sent += (int)look(p, 0);
        send_promised(p);
    }
    assert_in_range(sent, 4, 7);
    pg_free(p);
}

static void a_retry_or_a_dead_workers_run_is_missed_only_after_its_time(void **state)
{
    (void)state;
    struct err e = {0}, why = {0};
    struct pg *p = books_connect();
    (void)err_set(&why, ERR_RETRY, "feed_unavailable", "HTTP 503");
    struct run retried = take(p, "retried", 0);
    assert_ok(run_retry(p, &retried, 600, &why, &e), e);
    take(p, "held", 0);
    assert_int_equal(look(p, 0), 0);
    pass(p, 59); /* the lease is valid yet */
    assert_int_equal(look(p, 0), 0);
    pass(p, 63);
    assert_int_equal(look(p, 1), 0);
    pass(p, 31);
    assert_int_equal(look(p, 1), 1);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.outbox WHERE task_id = 'held'"),
                     1);
    send_promised(p);
    pass(p, 600);
    look(p, 1);
    pass(p, 31);
    assert_int_equal(look(p, 1), 1);
    pg_free(p);
}

static void who_was_overtaken_by_later_messages_is_missed_whatever_the_queue_holds(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    expect(p, "lost", NULL);
    pass(p, 90);
    assert_int_equal(look(p, 1000), 0);
    expect(p, "later", NULL);
    assert_int_equal(look(p, LOST_UNKNOWN), 0);
    take(p, "later", 0);
    assert_int_equal(look(p, LOST_UNKNOWN), 0);
    pass(p, 31);
    assert_int_equal(look(p, LOST_UNKNOWN), 1);
    pg_free(p);
}

/* A short queue with a tick's message in it at each look must not hide that another one is gone. */
static void who_was_overtaken_by_a_later_tick_is_missed_whatever_the_queue_holds(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    expect(p, "lost", NULL);
    pass(p, 130);
    books_run(
        p, "INSERT INTO meterbeat.tick (entry, due_at, task_id) VALUES ('daily', now(), 'tick')");
    assert_int_equal(look(p, LOST_UNKNOWN), 0);
    take(p, "tick", 0);
    assert_int_equal(look(p, LOST_UNKNOWN), 0);
    pass(p, 31);
    assert_int_equal(look(p, LOST_UNKNOWN), 1);
    pg_free(p);
}

/* Producers look every few seconds; each fan-out looks too, asks no broker and has more patience.
 */
static void what_a_producer_misses_a_fan_out_does_not_unsay(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    expect(p, "lost", NULL);
    pass(p, 61);
    assert_int_equal(look(p, 0), 0);
    assert_int_equal(look_after(p, LOST_UNKNOWN, 900), 0);
    pass(p, 16);
    assert_int_equal(look(p, 0), 0);
    assert_int_equal(look_after(p, LOST_UNKNOWN, 60), 0);
    pass(p, 15);
    assert_int_equal(look_after(p, LOST_UNKNOWN, 900), 0);
    assert_int_equal(look(p, 0), 1);
    pg_free(p);
}

/* So do producers of other settings. */
static void what_one_misses_another_one_of_more_patience_does_not_unsay(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    expect(p, "lost", NULL);
    pass(p, 61);
    assert_int_equal(look(p, 0), 0);
    assert_int_equal(look_after(p, 0, 900), 0);
    pass(p, 31);
    assert_int_equal(look(p, 0), 1);
    pg_free(p);
}

static void an_expired_run_that_nobody_holds_is_ended_with_the_reason(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t count;
    struct pg *p = books_connect();
    int64_t now_ms = books_count(p, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)");
    take(p, "held", now_ms + 1000);
    take(p, "for ever", 0);
    pass(p, 5);
    assert_ok(lost_run_end_expired(p, 10, &count, &e), e);
    assert_int_equal(count, 0); /* somebody is at it */
    pass(p, 60);
    assert_ok(lost_run_end_expired(p, 10, &count, &e), e);
    assert_int_equal(count, 1);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.run WHERE task_id = 'held' AND"
                                    " state = 'done' AND progress LIKE 'expired before it was done:"
                                    " the lease of worker@test ended at %'"),
                     1);
    pg_free(p);
}

static void an_only_run_whose_lease_is_over_makes_room_for_the_next(void **state)
{
    (void)state;
    struct err e = {0};
    struct run run = {0};
    struct run_ended ended;
    enum run_state taken;
    bool is_new;
    struct pg *p = books_connect();
    struct run_key key = {.task_id = "first",
                          .task = "parse",
                          .record_id = 7,
                          .arguments = "[[7],{}]",
                          .only_one = true,
                          .is_redelivered = true};
    assert_ok(run_take(p, &key, "worker@test", 60, &taken, &run, &ended, &e), e);
    key.task_id = "second";
    assert_ok(run_expect(p, &key, &is_new, &e), e);
    assert_false(is_new);
    pass(p, 61);
    assert_ok(run_expect(p, &key, &is_new, &e), e);
    assert_true(is_new);
    assert_fails(run_done(p, &run, "x", NULL, &e), e, ERR_LEASE_LOST, "lease_lost");
    key.task_id = "third";
    pass(p, 61);
    assert_ok(run_expect(p, &key, &is_new, &e), e); /* the second waits for its message */
    assert_false(is_new);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_run_whose_queue_is_empty_gets_one_message_within_three_minutes,
                               books_fresh),
        cmocka_unit_test_setup(its_new_message_is_the_old_ones_with_its_arguments, books_fresh),
        cmocka_unit_test_setup(a_long_queue_is_not_sent_again, books_fresh),
        cmocka_unit_test_setup(a_message_that_does_not_help_is_sent_less_and_less_often,
                               books_fresh),
        cmocka_unit_test_setup(a_retry_or_a_dead_workers_run_is_missed_only_after_its_time,
                               books_fresh),
        cmocka_unit_test_setup(
            who_was_overtaken_by_later_messages_is_missed_whatever_the_queue_holds, books_fresh),
        cmocka_unit_test_setup(who_was_overtaken_by_a_later_tick_is_missed_whatever_the_queue_holds,
                               books_fresh),
        cmocka_unit_test_setup(what_a_producer_misses_a_fan_out_does_not_unsay, books_fresh),
        cmocka_unit_test_setup(what_one_misses_another_one_of_more_patience_does_not_unsay,
                               books_fresh),
        cmocka_unit_test_setup(an_expired_run_that_nobody_holds_is_ended_with_the_reason,
                               books_fresh),
        cmocka_unit_test_setup(an_only_run_whose_lease_is_over_makes_room_for_the_next,
                               books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
