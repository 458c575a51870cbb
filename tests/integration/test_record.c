/* Records, purge and presence: the rows that programs and people share. */
#include "books_test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/store/worker_heartbeat.h"
#include "common/store/purge.h"
#include "common/store/record.h"
#include "common/store/run.h"

static struct record example(void)
{
    return (struct record){.url = (char *)"https://utility.example/",
                           .sub_id = (char *)"C8C25FC1",
                           .building_id = (char *)"42",
                           .time_type = (char *)"date",
                           .date_pattern = (char *)"%m/%d/%Y",
                           .min_date_parameter = (char *)"Published_Min",
                           .max_date_parameter = (char *)"Published_Max",
                           .last_date = (char *)"01/31/2015",
                           .active = true};
}

static int64_t add(struct pg *p)
{
    struct err e = {0};
    struct record r = example();
    int64_t id = 0;
    assert_ok(record_add(p, &r, &id, &e), e);
    return id;
}

static void a_record_comes_back_without_the_padding(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = add(p);
    struct record r CLEANUP(record_free) = {0};
    assert_ok(record_get(p, id, &r, &e), e);
    assert_string_equal(r.sub_id, "C8C25FC1");
    assert_string_equal(r.url, "https://utility.example/");
    assert_string_equal(r.last_date, "01/31/2015");
    assert_true(r.active);
    assert_int_equal(books_count(p, "SELECT octet_length(sub_id) FROM seed_ts_parser_record"), 200);
    assert_int_equal(books_count(p, "SELECT count(*) FROM seed_canonicalbuilding WHERE id = 42"),
                     1);
    struct record none;
    assert_fails(record_get(p, id + 1, &none, &e), e, ERR_REJECT, "no_record");
    pg_free(p);
}

static void nulls_and_words_of_others_are_read(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(
        p, "INSERT INTO seed_ts_parser_record (active) VALUES (NULL), (' yes '), ('N'), ('TRUE'),"
           " ('')");
    struct record *records;
    size_t count;
    assert_ok(record_page(p, 0, 100, true, &records, &count, &e), e);
    assert_int_equal(count, 2);
    assert_int_equal(records[0].id, 2);
    assert_int_equal(records[1].id, 4);
    assert_string_equal(records[0].url, "");
    assert_int_equal(records[0].last_ts, 0);
    records_free(records, count);
    pg_free(p);
}

static void pages_give_each_record_once(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p,
              "INSERT INTO seed_ts_parser_record (active) SELECT 'Y' FROM generate_series(1, 25)");
    int64_t after = 0, seen = 0;
    for (size_t count = 1; count;) {
        struct record *records;
        assert_ok(record_page(p, after, 10, false, &records, &count, &e), e);
        for (size_t i = 0; i < count; i++) {
            assert_true(records[i].id > after);
            after = records[i].id;
            seen++;
        }
        records_free(records, count);
    }
    assert_int_equal(seen, 25);
    pg_free(p);
}

static void a_record_with_an_open_run_is_not_idle(void **state)
{
    (void)state;
    struct err e = {0};
    bool is_new;
    struct pg *p = books_connect();
    int64_t busy = add(p), idle = add(p), paused = add(p);
    assert_ok(record_set_active(p, paused, false, &e), e);
    struct run_key key = {
        .task_id = "a", .task = "parse", .record_id = busy, .only_one = true, .arguments = "[]"};
    assert_ok(run_expect(p, &key, &is_new, &e), e);
    struct record *records;
    size_t count;
    assert_ok(record_idle_page(p, "parse", 0, 10, &records, &count, &e), e);
    assert_int_equal(count, 1);
    assert_int_equal(records[0].id, idle);
    records_free(records, count);
    assert_ok(record_set_active(p, paused, true, &e), e);
    assert_fails(record_set_active(p, 99, true, &e), e, ERR_REJECT, "no_record");
    pg_free(p);
}

static void a_change_by_somebody_else_is_not_overwritten(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = add(p);
    struct record r CLEANUP(record_free) = {0};
    assert_ok(record_get(p, id, &r, &e), e);
    assert_ok(record_advance(p, &r, "02/01/2015", 5, &e), e);
    assert_fails(record_advance(p, &r, "02/02/2015", 6, &e), e, ERR_RETRY, "record_changed");
    assert_int_equal(books_count(p, "SELECT last_ts FROM seed_ts_parser_record"), 5);
    books_run(p, "UPDATE seed_ts_parser_record SET last_date = NULL, last_ts = NULL");
    struct record anew CLEANUP(record_free) = {0};
    assert_ok(record_get(p, id, &anew, &e), e);
    assert_ok(record_advance(p, &anew, "02/02/2015", 6, &e), e);
    pg_free(p);
}

static void a_record_that_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t id;
    char long_url[600];
    memset(long_url, 'x', sizeof long_url - 1);
    long_url[sizeof long_url - 1] = '\0';
    struct pg *p = books_connect();
    struct record r = example();
    r.url = long_url;
    assert_fails(record_add(p, &r, &id, &e), e, ERR_REJECT, "bad_record");
    assert_non_null(strstr(e.text, "url"));
    r = example();
    r.building_id = (char *)"4a";
    assert_fails(record_add(p, &r, &id, &e), e, ERR_REJECT, "bad_record");
    /* In a SEED database the building is SEED's to add. */
    books_run(p, "UPDATE meterbeat.migration SET made_tables = 'seed_meter' WHERE version = 0");
    r = example();
    assert_fails(record_add(p, &r, &id, &e), e, ERR_REJECT, "no_building");
    books_run(p, "INSERT INTO seed_canonicalbuilding (id, active) VALUES (42, true)");
    assert_ok(record_add(p, &r, &id, &e), e);
    pg_free(p);
}

static void old_rows_are_purged_and_what_still_matters_is_kept(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "INSERT INTO meterbeat.run (task_id, task, state, finished_at) VALUES"
                 " ('old', 'ping', 'done', now() - interval '40 days'),"
                 " ('older', 'ping', 'dead', now() - interval '50 days'),"
                 " ('new', 'ping', 'done', now()), ('open', 'ping', 'waiting', NULL);"
                 "INSERT INTO meterbeat.entry (name, definition, last_due_at) VALUES"
                 " ('daily', '', now() - interval '45 days');"
                 "INSERT INTO meterbeat.tick (entry, due_at, task_id, created_at) VALUES"
                 " ('daily', now() - interval '46 days', 'a', now() - interval '46 days'),"
                 " ('daily', now() - interval '44 days', 'b', now() - interval '44 days'),"
                 " ('gone', now() - interval '44 days', 'c', now() - interval '44 days'),"
                 " ('gone', now(), 'd', now());"
                 "INSERT INTO meterbeat.run (task_id, task, state, finished_at)"
                 " SELECT 'many' || n, 'ping', 'done', now() - interval '31 days'"
                 " FROM generate_series(1, 2500) n");
    int64_t rows;
    assert_ok(purge_old(p, 30, &rows, &e), e);
    assert_int_equal(rows, 2504);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.run"), 2);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.tick"), 2);
    assert_ok(purge_old(p, 30, &rows, &e), e);
    assert_int_equal(rows, 0);
    pg_free(p);
}

static void a_worker_is_there_until_it_says_otherwise(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    struct worker_heartbeat w = {
        .name = "worker@host/1", .host = "host", .pid = 1, .queue = "meterbeat", .version = "0"};
    int64_t now_ms = 0, own_ms = clock_wall_ms();
    w.wall_ms = own_ms + 100000;
    assert_ok(worker_heartbeat_tell(p, &w, &now_ms, &e), e);
    assert_true(now_ms > own_ms - 60000 && now_ms < own_ms + 60000);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.worker"
                                    " WHERE clock_ahead_ms BETWEEN 40000 AND 160000"),
                     1);
    w.task_id = "a";
    w.tasks_done = 2;
    assert_ok(worker_heartbeat_tell(p, &w, &now_ms, &e), e);
    assert_int_equal(books_count(p, "SELECT tasks_done FROM meterbeat.worker"), 2);
    assert_ok(worker_heartbeat_end(p, w.name, &e), e);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.worker"), 0);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_record_comes_back_without_the_padding, books_fresh),
        cmocka_unit_test_setup(nulls_and_words_of_others_are_read, books_fresh),
        cmocka_unit_test_setup(pages_give_each_record_once, books_fresh),
        cmocka_unit_test_setup(a_record_with_an_open_run_is_not_idle, books_fresh),
        cmocka_unit_test_setup(a_change_by_somebody_else_is_not_overwritten, books_fresh),
        cmocka_unit_test_setup(a_record_that_does_not_fit_is_refused_by_name, books_fresh),
        cmocka_unit_test_setup(old_rows_are_purged_and_what_still_matters_is_kept, books_fresh),
        cmocka_unit_test_setup(a_worker_is_there_until_it_says_otherwise, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
