/* What the tests of the books share: a database of their own, emptied before each test. */
#ifndef METERBEAT_TESTS_BOOKS_TEST_H
#define METERBEAT_TESTS_BOOKS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/store/pg.h"

/* METERBEAT_TEST_DATABASE and METERBEAT_DATABASE_PASSWORD of the environment; short waits. */
struct settings books_settings(void);
/* A connected session; fails the test otherwise. */
struct pg *books_connect(void);
/* Removes all tables; with_schema: and makes them anew. For cmocka's set-up. */
int books_empty(void **state);
int books_fresh(void **state);
/* One value of one row as a number; fails the test otherwise. */
int64_t books_count(struct pg *p, const char *sql);
/* Runs a script that has to succeed. */
void books_run(struct pg *p, const char *sql);
/* The call has succeeded, or the test fails with the error's text. */
#define assert_ok(call, e)                                                                         \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s: %s", #call, (e).code, (e).text);                                     \
    } while (0)
/* The call has failed, with this kind and code. */
#define assert_fails(call, e, its_kind, its_code)                                                  \
    do {                                                                                           \
        assert_false(call);                                                                        \
        assert_string_equal((e).code, its_code);                                                   \
        assert_int_equal((e).kind, its_kind);                                                      \
    } while (0)

#endif
