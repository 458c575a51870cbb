/* The tables: made once, by whoever comes first, and checked at each start. */
#include "books_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/store/schema.h"

static void an_empty_database_gets_all_tables_and_a_repeat_none(void **state)
{
    (void)state;
    struct err e = {0};
    struct schema_report report;
    struct pg *p = books_connect();
    assert_ok(schema_init(p, &report, &e), e);
    assert_int_equal(report.from_version, 0);
    assert_true(report.to_version >= 1);
    assert_non_null(strstr(report.made, "seed_ts_parser_record"));
    assert_string_equal(report.found, "");
    assert_string_equal(report.remarks, "");
    assert_ok(schema_check(p, &e), e);
    int to_version = report.to_version;
    assert_ok(schema_init(p, &report, &e), e);
    assert_int_equal(report.from_version, to_version);
    assert_string_equal(report.made, "");
    assert_non_null(strstr(report.found, "seed_timeseries"));
    pg_free(p);
}

struct init {
    pthread_barrier_t *start;
    struct schema_report report;
    struct err e;
    bool ok;
};

static void *run_init(void *argument)
{
    struct init *i = argument;
    struct pg *p = books_connect();
    pthread_barrier_wait(i->start);
    i->ok = schema_init(p, &i->report, &i->e);
    pg_free(p);
    return NULL;
}

static void several_at_once_make_the_tables_once(void **state)
{
    (void)state;
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 4);
    struct init inits[4] = {0};
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(inits); i++) {
        inits[i].start = &start;
        assert_int_equal(pthread_create(&threads[i], NULL, run_init, &inits[i]), 0);
    }
    int makers = 0;
    for (size_t i = 0; i < ARRAY_LEN(inits); i++) {
        pthread_join(threads[i], NULL);
        assert_ok(inits[i].ok, inits[i].e);
        makers += inits[i].report.from_version == 0;
    }
    assert_int_equal(makers, 1);
    pthread_barrier_destroy(&start);
}

static void a_start_without_the_right_tables_says_what_to_do(void **state)
{
    (void)state;
    struct err e = {0};
    struct schema_report report;
    struct pg *p = books_connect();
    assert_fails(schema_check(p, &e), e, ERR_FATAL, "schema_missing");
    assert_non_null(strstr(e.text, "run meterbeatctl init-db"));
    assert_ok(schema_init(p, &report, &e), e);
    books_run(p, "ALTER TABLE seed_meter DROP COLUMN custom_meter_id");
    assert_fails(schema_check(p, &e), e, ERR_FATAL, "seed_table");
    assert_non_null(strstr(e.text, "custom_meter_id"));
    books_run(p, "DROP TABLE seed_timeseries");
    books_run(p, "ALTER TABLE seed_meter ADD custom_meter_id varchar(100)");
    assert_fails(schema_check(p, &e), e, ERR_FATAL, "schema_missing");
    assert_ok(schema_init(p, &report, &e), e);
    assert_string_equal(report.made, "seed_timeseries");
    books_run(p, "INSERT INTO meterbeat.migration (version) VALUES (1000)");
    assert_fails(schema_check(p, &e), e, ERR_FATAL, "schema_new");
    assert_fails(schema_init(p, &report, &e), e, ERR_FATAL, "schema_new");
    books_run(p, "DELETE FROM meterbeat.migration WHERE version > 0");
    books_run(p,
              "DROP TABLE meterbeat.entry"); /* so that 1.sql fails half-way, at meterbeat.tick */
    assert_fails(schema_check(p, &e), e, ERR_FATAL, "schema_missing");
    assert_false(schema_init(p, &report, &e));
    assert_int_equal(books_count(p, "SELECT (to_regclass('meterbeat.entry') IS NULL)::int"), 1);
    pg_free(p);
}

static void a_column_that_nobody_fills_is_remarked_on(void **state)
{
    (void)state;
    struct err e = {0};
    struct schema_report report;
    struct pg *p = books_connect();
    assert_ok(schema_init(p, &report, &e), e);
    books_run(p, "ALTER TABLE seed_meter ADD colour text NOT NULL");
    assert_ok(schema_init(p, &report, &e), e);
    assert_non_null(strstr(report.remarks, "seed_meter.colour must be filled"));
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_database_gets_all_tables_and_a_repeat_none, books_empty),
        cmocka_unit_test_setup(several_at_once_make_the_tables_once, books_empty),
        cmocka_unit_test_setup(a_start_without_the_right_tables_says_what_to_do, books_empty),
        cmocka_unit_test_setup(a_column_that_nobody_fills_is_remarked_on, books_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
