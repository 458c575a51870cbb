/* The outbox: what a transaction promised comes back as it was, to one taker only. */
#include "books_test.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/store/outbox.h"
#include "common/store/run.h"

static struct task_message message_of(const char *id, json_t *args, json_t *kwargs)
{
    return (struct task_message){.id = (char *)id,
                                 .task = (char *)"parse",
                                 .args = args,
                                 .kwargs = kwargs,
                                 .priority = -1,
                                 .protocol = 2};
}

static void promise(struct pg *p, const char *id, const char *owner, int64_t expires_ms)
{
    struct err e = {0};
    json_t *args = json_pack("[i]", 7), *kwargs = json_object();
    struct task_message m = message_of(id, args, kwargs);
    m.expires_ms = expires_ms;
    m.priority = 3;
    assert_ok(outbox_add(p, owner, "meterbeat", &m, "json", clock_wall_ms(), &e), e);
    json_decref(args);
    json_decref(kwargs);
}

static size_t take(struct pg *p, const char *owner, size_t max, struct outbox_row **ret_rows)
{
    struct err e = {0};
    size_t count;
    assert_ok(outbox_take(p, owner, 0, max, ret_rows, &count, &e), e);
    return count;
}

static void queues_that_do_not_answer_are_left_out_or_taken_alone(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    const char *const queues[] = {"a", "quote\"'\\,{}", "b", "a"};
    json_t *args = json_array(), *kwargs = json_object();
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        char id[8];
        snprintf(id, sizeof id, "%zu", i);
        struct task_message m = message_of(id, args, kwargs);
        assert_ok(outbox_add(p, "filtered", queues[i], &m, "json", clock_wall_ms(), &e), e);
    }
    json_decref(args);
    json_decref(kwargs);
    json_t *except = json_pack("[s, s]", "a", queues[1]);
    const struct {
        struct outbox_filter filter;
        size_t count;
        const char *first;
    } cases[] = {{{.except = except}, 1, "b"},
                 {{.only = "a"}, 2, "a"},
                 {{.only = queues[1]}, 1, queues[1]},
                 {{0}, 4, "a"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outbox_row *rows;
        size_t count;
        assert_ok(outbox_take_filtered(p, "filtered", 0, &cases[i].filter, 10, &rows, &count, &e),
                  e);
        assert_int_equal(count, cases[i].count);
        assert_string_equal(rows[0].queue, cases[i].first);
        outbox_rows_free(rows, count);
    }
    json_decref(except);
    pg_free(p);
}

static void a_message_comes_back_as_it_was_encoded(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    const char *const serializers[] = {"json", "msgpack"};
    for (size_t i = 0; i < ARRAY_LEN(serializers); i++) {
        json_t *args =
            json_pack("[I, f, s%, n]", (json_int_t)INT64_MAX, 0.1, "a\0ü \"\\'", (size_t)8);
        json_t *kwargs = json_pack("{s:[b, s]}", "k", 1, "\xe2\x82\xac");
        struct task_message m = message_of(serializers[i], args, kwargs);
        m.headers = json_pack("{s:s%, s:f, s:i, s:i}", "nul", "a\0b", (size_t)3, "x-real", 1e-7,
                              "zebra", 1, "ant", 2);
        struct message sent CLEANUP(message_free) = {.priority = -1};
        int64_t now_ms = clock_wall_ms();
        assert_ok(task_message_encode(&m, serializers[i], now_ms, &sent, &e), e);
        assert_ok(outbox_add(p, "owner", "q", &m, serializers[i], now_ms, &e), e);
        assert_ok(outbox_add(p, "owner", "q", &m, serializers[i], now_ms, &e), e);
        struct outbox_row *rows;
        assert_int_equal(take(p, "owner", 10, &rows), 1);
        const struct message *v = &rows[0].message;
        assert_string_equal(rows[0].queue, "q");
        assert_string_equal(v->content_type, sent.content_type);
        assert_string_equal(v->content_encoding, sent.content_encoding);
        assert_string_equal(v->correlation_id, sent.correlation_id);
        assert_null(v->expiration);
        assert_int_equal(v->priority, sent.priority);
        assert_int_equal(v->body_len, sent.body_len);
        assert_memory_equal(v->body, sent.body, sent.body_len);
        assert_true(json_equal(v->headers, sent.headers));
        char *before = json_dumps(sent.headers, 0), *after = json_dumps(v->headers, 0);
        assert_string_equal(before, after); /* the order too */
        free(before);
        free(after);
        assert_ok(outbox_sent(p, rows, 1, &e), e);
        outbox_rows_free(rows, 1);
        json_decref(args);
        json_decref(kwargs);
        json_decref(m.headers);
    }
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.outbox"), 0);
    pg_free(p);
}

static void two_takers_never_hold_the_same_row(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect(), *q = books_connect();
    const char *const ids[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        promise(p, ids[i], i < 3 ? "one" : NULL, 0);
    struct outbox_row *mine, *other;
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_begin(q, &e), e);
    assert_int_equal(take(p, NULL, 4, &mine), 4);
    assert_int_equal(take(q, NULL, 4, &other), 2);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 2; j++)
            assert_int_not_equal(mine[i].id, other[j].id);
    assert_ok(outbox_sent(q, other, 2, &e), e);
    outbox_rows_free(other, 2);
    assert_ok(pg_commit(q, &e), e);
    pg_rollback(p); /* never confirmed: they stay */
    outbox_rows_free(mine, 4);
    assert_int_equal(take(q, NULL, 10, &other), 4);
    outbox_rows_free(other, 4);
    assert_int_equal(take(q, "one", 10, &other), 3);
    outbox_rows_free(other, 3);
    pg_free(p);
    pg_free(q);
}

static void what_was_refused_keeps_no_others_waiting(void **state)
{
    (void)state;
    struct err e = {0};
    struct outbox_row *rows;
    struct pg *p = books_connect();
    for (char id[] = "a"; *id <= 'c'; ++*id)
        promise(p, id, "owner", 0);
    assert_int_equal(take(p, "owner", 2, &rows), 2);
    assert_ok(outbox_refused(p, rows, 2, &e), e);
    outbox_rows_free(rows, 2);
    assert_int_equal(take(p, "owner", 1, &rows), 1);
    assert_string_equal(rows->message.correlation_id, "c");
    outbox_rows_free(rows, 1);
    assert_int_equal(take(p, "owner", 9, &rows), 3);
    outbox_rows_free(rows, 3);
    pg_free(p);
}

static void what_has_expired_is_deleted_and_the_rest_says_what_is_left(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    promise(p, "late", NULL, clock_wall_ms() - 1000);
    promise(p, "soon", NULL, clock_wall_ms() + 3600 * 1000);
    books_run(p, "UPDATE meterbeat.outbox SET expires_at = expires_at - interval '30 min'");
    struct outbox_row *rows;
    assert_int_equal(take(p, NULL, 10, &rows), 1);
    assert_string_equal(rows[0].message.correlation_id, "soon");
    int64_t left = strtoll(rows[0].message.expiration, NULL, 10);
    assert_true(left > 1700 * 1000 && left <= 1800 * 1000);
    assert_int_equal(rows[0].message.priority, 3);
    outbox_rows_free(rows, 1);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.outbox"), 1);
    size_t count;
    assert_ok(outbox_take(p, NULL, 60, 10, &rows, &count, &e), e);
    assert_int_equal(count, 0); /* not old enough: its own worker is about to send it */
    outbox_rows_free(rows, count);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(queues_that_do_not_answer_are_left_out_or_taken_alone, books_fresh),
        cmocka_unit_test_setup(a_message_comes_back_as_it_was_encoded, books_fresh),
        cmocka_unit_test_setup(two_takers_never_hold_the_same_row, books_fresh),
        cmocka_unit_test_setup(what_has_expired_is_deleted_and_the_rest_says_what_is_left,
                               books_fresh),
        cmocka_unit_test_setup(what_was_refused_keeps_no_others_waiting, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
