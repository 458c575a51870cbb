/* What the tests of the books share: a database of their own, emptied before each test. */
#include "books_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/store/schema.h"

struct settings books_settings(void)
{
    struct settings s = {0};
    s.database.url = getenv("METERBEAT_TEST_DATABASE");
    s.database.password = getenv("METERBEAT_DATABASE_PASSWORD");
    s.database.connect_timeout_s = 5;
    s.database.statement_timeout_s = 20;
    return s;
}

static struct settings shared_settings; /* borrowed by each connection */

static void share_settings(void)
{
    shared_settings = books_settings();
}

struct pg *books_connect(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, share_settings);
    struct err e = {0};
    struct pg *p = pg_new(&shared_settings, "test");
    assert_non_null(p);
    assert_ok(pg_ready(p, &e), e);
    return p;
}

int64_t books_count(struct pg *p, const char *sql)
{
    struct err e = {0};
    PGresult *r CLEANUP(pg_clear) = pg_query(p, &e, sql, PG_NO_ARGS);
    assert_ok(r != NULL, e);
    assert_int_equal(PQntuples(r), 1);
    return pg_int(r, 0, 0, -1);
}

void books_run(struct pg *p, const char *sql)
{
    struct err e = {0};
    assert_ok(pg_script(p, &e, sql), e);
}

int books_empty(void **state)
{
    (void)state;
    struct pg *p = books_connect();
    books_run(p, "DROP SCHEMA IF EXISTS meterbeat CASCADE;"
                 "DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
    pg_free(p);
    return 0;
}

int books_fresh(void **state)
{
    books_empty(state);
    struct pg *p = books_connect();
    struct schema_report report;
    struct err e = {0};
    assert_ok(schema_init(p, &report, &e), e);
    pg_free(p);
    return 0;
}
