/* The PostgreSQL connection against a real server: every failure becomes the right kind of error.
 */
#include "books_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ends the server's side of a connection, as a restart of the server would. */
static void terminate(struct pg *victim)
{
    struct err e = {0};
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)::int",
             (int)books_count(victim, "SELECT pg_backend_pid()"));
    struct pg *other = books_connect();
    assert_int_equal(books_count(other, "SELECT 1"), 1);
    PGresult *r CLEANUP(pg_clear) = pg_query(other, &e, sql, PG_NO_ARGS);
    assert_ok(r != NULL, e);
    pg_free(other);
}

static void a_connection_lost_in_mid_transaction_is_a_retry_and_then_works(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "CREATE TABLE t (n int)");
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_do(p, &e, NULL, "INSERT INTO t VALUES (1)", PG_NO_ARGS), e);
    terminate(p);
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES (2)", PG_NO_ARGS), e, ERR_RETRY,
                 "database_lost");
    /* Nothing of the transaction may go on by itself on a new connection. */
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES (3)", PG_NO_ARGS), e, ERR_RETRY,
                 "database_lost");
    assert_fails(pg_commit(p, &e), e, ERR_RETRY, "database_lost");
    pg_rollback(p);
    assert_ok(pg_ready(p, &e), e);
    assert_int_equal(books_count(p, "SELECT count(*) FROM t"), 0);
    pg_free(p);
}

static void an_idle_connection_that_the_server_ended_is_replaced_without_an_error(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    terminate(p);
    assert_ok(pg_ready(p, &e), e);
    assert_int_equal(books_count(p, "SELECT 1"), 1);
    pg_free(p);
}

static void a_lost_answer_to_commit_is_unknown(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "CREATE TABLE t (n int);"
                 "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                 " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
                 "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW EXECUTE FUNCTION die();");
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_do(p, &e, NULL, "INSERT INTO t VALUES (1)", PG_NO_ARGS), e);
    assert_fails(pg_commit(p, &e), e, ERR_COMMIT_UNKNOWN, "commit_unknown");
    assert_ok(pg_ready(p, &e), e);
    pg_free(p);
}

static void a_commit_that_rolled_back_is_no_success(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    assert_ok(pg_begin(p, &e), e);
    assert_fails(pg_do(p, &e, NULL, "SELECT 1 / 0", PG_NO_ARGS), e, ERR_REJECT, "bad_data");
    assert_fails(pg_do(p, &e, NULL, "SELECT 1", PG_NO_ARGS), e, ERR_RETRY, "transaction_failed");
    assert_fails(pg_commit(p, &e), e, ERR_RETRY, "rolled_back");
    assert_false(pg_in_transaction(p));
    pg_free(p);
}

struct update {
    struct pg *pg;
    const char *sql;
    struct err e;
    bool ok;
};

static void *run_update(void *argument)
{
    struct update *u = argument;
    u->ok = pg_do(u->pg, &u->e, NULL, u->sql, PG_NO_ARGS);
    return NULL;
}

static void a_deadlock_is_a_retry_for_one_of_the_two(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect(), *q = books_connect();
    books_run(p, "CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 0), (2, 0)");
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_begin(q, &e), e);
    assert_ok(pg_do(p, &e, NULL, "UPDATE t SET n = 1 WHERE id = 1", PG_NO_ARGS), e);
    assert_ok(pg_do(q, &e, NULL, "UPDATE t SET n = 1 WHERE id = 2", PG_NO_ARGS), e);
    struct update mine = {.pg = p, .sql = "UPDATE t SET n = 2 WHERE id = 2"};
    struct update other = {.pg = q, .sql = "UPDATE t SET n = 2 WHERE id = 1"};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_update, &other), 0);
    run_update(&mine);
    if (!mine.ok)
        pg_rollback(p);
    pthread_join(thread, NULL);
    assert_int_equal(mine.ok + other.ok, 1);
    const struct err *failed = mine.ok ? &other.e : &mine.e;
    assert_string_equal(failed->code, "database_conflict");
    assert_int_equal(failed->kind, ERR_RETRY);
    pg_rollback(p);
    pg_rollback(q);
    assert_int_equal(books_count(p, "SELECT 1"), 1);
    pg_free(p);
    pg_free(q);
}

static void a_statement_that_takes_too_long_is_a_retry(void **state)
{
    (void)state;
    struct err e = {0};
    struct settings s = books_settings();
    s.database.statement_timeout_s = 1;
    struct pg *p = pg_new(&s, "test");
    assert_ok(pg_ready(p, &e), e);
    assert_fails(pg_do(p, &e, NULL, "SELECT pg_sleep(60)", PG_NO_ARGS), e, ERR_RETRY,
                 "database_timeout");
    assert_ok(pg_be_patient(p, 30, &e), e);
    assert_ok(pg_do(p, &e, NULL, "SELECT pg_sleep(1.2)", PG_NO_ARGS), e);
    assert_ok(pg_be_patient(p, 0, &e), e);
    assert_fails(pg_do(p, &e, NULL, "SELECT pg_sleep(60)", PG_NO_ARGS), e, ERR_RETRY,
                 "database_timeout");
    assert_int_equal(books_count(p, "SELECT 1"), 1);
    pg_free(p);
}

static void bad_data_and_broken_constraints_are_rejected(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "CREATE TABLE t (n int PRIMARY KEY, s varchar(3)); INSERT INTO t VALUES (1, 'a')");
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES ($1)", PG_ARGS("x")), e, ERR_REJECT,
                 "bad_data");
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES (2, $1)", PG_ARGS("abcd")), e, ERR_REJECT,
                 "bad_data");
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES (2, $1)", PG_ARGS("\xff")), e, ERR_REJECT,
                 "bad_data");
    assert_fails(pg_do(p, &e, NULL, "INSERT INTO t VALUES (1)", PG_NO_ARGS), e, ERR_REJECT,
                 "constraint");
    assert_non_null(strstr(e.text, "t_pkey"));
    pg_free(p);
}

static void a_missing_table_is_fatal_and_names_what_to_do(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    assert_fails(pg_do(p, &e, NULL, "SELECT * FROM meterbeat.run", PG_NO_ARGS), e, ERR_FATAL,
                 "database_schema");
    assert_non_null(strstr(e.text, "init-db"));
    pg_free(p);
}

static void expect_refusal(const struct settings *s, enum err_kind kind, const char *code)
{
    struct err e = {0};
    struct pg *p = pg_new(s, "test");
    assert_fails(pg_ready(p, &e), e, kind, code);
    assert_null(strstr(e.text, "secret"));
    assert_fails(pg_do(p, &e, NULL, "SELECT 1", PG_NO_ARGS), e, ERR_RETRY, "database_lost");
    pg_free(p);
}

static void credentials_and_names_are_fatal_and_an_absent_server_is_not(void **state)
{
    (void)state;
    struct settings s = books_settings();
    s.database.password = "secret";
    expect_refusal(&s, ERR_FATAL, "database_refused");
    s.database.password = "";
    unsetenv("PGPASSWORD");
    expect_refusal(&s, ERR_FATAL, "database_refused");
    s = books_settings();
    char url[512];
    snprintf(url, sizeof url, "%s_that_does_not_exist", s.database.url);
    s.database.url = url;
    expect_refusal(&s, ERR_FATAL, "database_refused");
    s.database.url = "postgresql://nobody:secret@[::1/x";
    expect_refusal(&s, ERR_FATAL, "database_url");
    s.database.url = "host=127.0.0.1 port=1 user=nobody dbname=x";
    expect_refusal(&s, ERR_RETRY, "database_unreachable");
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM, 0); /* the kernel connects, nobody accepts */
    assert_int_equal(bind(silent, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(silent, 1), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    char url[128];
    snprintf(url, sizeof url, "postgresql://nobody@127.0.0.1:%d/x", ntohs(address.sin_port));
    struct settings s = books_settings();
    s.database.connect_timeout_s = 1;
    s.database.url = url;
    expect_refusal(&s, ERR_RETRY, "database_unreachable");
    close(silent);
}

static void a_session_has_what_the_books_rely_on(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET timezone = ''Asia/Tokyo''',"
                 " current_user); END $$");
    struct pg *q = books_connect();
    PGresult *r CLEANUP(pg_clear) =
        pg_query(q, &e,
                 "SELECT current_setting('TimeZone'), current_setting('client_encoding'),"
                 " current_setting('application_name'), current_setting('statement_timeout')",
                 PG_NO_ARGS);
    assert_ok(r != NULL, e);
    assert_string_equal(pg_text(r, 0, 0), "UTC");
    assert_string_equal(pg_text(r, 0, 1), "UTF8");
    assert_string_equal(pg_text(r, 0, 2), "test");
    assert_string_equal(pg_text(r, 0, 3), "20s");
    books_run(p, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I RESET timezone', current_user);"
                 " END $$");
    pg_free(p);
    pg_free(q);
}

static void rows_are_copied_and_an_abandoned_copy_leaves_none(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t rows = 0;
    struct pg *p = books_connect();
    books_run(p, "CREATE TABLE t (n int, s text)");
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_copy_start(p, &e, "COPY t FROM STDIN"), e);
    assert_ok(pg_copy_rows(p, &e, "1\ta\n2\t\\N\n", 9), e);
    assert_ok(pg_copy_end(p, &e, &rows), e);
    assert_ok(pg_commit(p, &e), e);
    assert_int_equal(rows, 2);
    assert_ok(pg_begin(p, &e), e);
    assert_ok(pg_copy_start(p, &e, "COPY t FROM STDIN"), e);
    assert_ok(pg_copy_rows(p, &e, "3\tc\n", 4), e);
    pg_rollback(p);
    assert_ok(pg_copy_start(p, &e, "COPY t FROM STDIN"), e);
    assert_ok(pg_copy_rows(p, &e, "four\td\n", 7), e);
    assert_fails(pg_copy_end(p, &e, &rows), e, ERR_REJECT, "bad_data");
    assert_int_equal(books_count(p, "SELECT count(*) FROM t"), 2);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_connection_lost_in_mid_transaction_is_a_retry_and_then_works,
                               books_empty),
        cmocka_unit_test_setup(
            an_idle_connection_that_the_server_ended_is_replaced_without_an_error, books_empty),
        cmocka_unit_test_setup(a_lost_answer_to_commit_is_unknown, books_empty),
        cmocka_unit_test_setup(a_commit_that_rolled_back_is_no_success, books_empty),
        cmocka_unit_test_setup(a_deadlock_is_a_retry_for_one_of_the_two, books_empty),
        cmocka_unit_test_setup(a_statement_that_takes_too_long_is_a_retry, books_empty),
        cmocka_unit_test_setup(bad_data_and_broken_constraints_are_rejected, books_empty),
        cmocka_unit_test_setup(a_missing_table_is_fatal_and_names_what_to_do, books_empty),
        cmocka_unit_test_setup(credentials_and_names_are_fatal_and_an_absent_server_is_not,
                               books_empty),
        cmocka_unit_test_setup(a_session_has_what_the_books_rely_on, books_empty),
        cmocka_unit_test_setup(rows_are_copied_and_an_abandoned_copy_leaves_none, books_empty),
        cmocka_unit_test(a_server_that_never_answers_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
