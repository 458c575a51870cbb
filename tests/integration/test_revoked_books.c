/* Revoked task ids in the books: saved, read by those that start later, forgotten. */
#include <stdlib.h>
#include <string.h>

#include "common/store/purge.h"
#include "common/store/revoked_task.h"
#include "books_test.h"

struct loaded {
    char ids[256];
    int64_t oldest_ms;
};

static void take(void *context, const char *task_id, int64_t age_ms)
{
    struct loaded *l = context;
    strcat(l->ids, task_id);
    strcat(l->ids, " ");
    l->oldest_ms = age_ms > l->oldest_ms ? age_ms : l->oldest_ms;
}

static void saved_ids_are_loaded_oldest_first(void **state)
{
    (void)state;
    struct err e = {0};
    struct loaded l = {0};
    size_t count;
    struct pg *p = books_connect();
    books_run(p, "INSERT INTO meterbeat.revoked VALUES ('too-old', now() - interval '2 hours'),"
                 " ('older', now() - interval '30 minutes'), ('old', now() - interval '1 minute')");
    assert_ok(revoked_save(p, "[\"new\", \"new\"]", &e), e);
    assert_ok(revoked_load(p, 3600, 100, take, &l, &count, &e), e);
    assert_int_equal(count, 3);
    assert_string_equal(l.ids, "older old new ");
    assert_in_range(l.oldest_ms, 1800000, 1860000);
    memset(&l, 0, sizeof l);
    assert_ok(revoked_load(p, 3600, 2, take, &l, &count, &e), e);
    assert_string_equal(l.ids, "old new ");
    pg_free(p);
}

static void an_id_that_is_revoked_again_starts_anew(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    books_run(p, "INSERT INTO meterbeat.revoked VALUES ('a', now() - interval '2 hours')");
    assert_ok(revoked_save(p, "[\"a\", \"it's {odd}, \\\"quoted\\\"\"]", &e), e);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.revoked"
                                    " WHERE revoked_at > now() - interval '1 minute'"),
                     2);
    pg_free(p);
}

static void what_can_be_no_id_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    assert_fails(revoked_save(p, "[\"\"]", &e), e, ERR_REJECT, "constraint");
    assert_fails(revoked_save(p, "no JSON", &e), e, ERR_REJECT, "bad_data");
    pg_free(p);
}

static void old_ones_are_purged(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t rows;
    struct pg *p = books_connect();
    books_run(p, "INSERT INTO meterbeat.revoked SELECT 'old' || n, now() - interval '2 hours'"
                 " FROM generate_series(1, 2500) n;"
                 "INSERT INTO meterbeat.revoked VALUES ('new')");
    assert_ok(purge_revoked(p, 3600, &rows, &e), e);
    assert_int_equal(rows, 2500);
    assert_ok(purge_revoked(p, 3600, &rows, &e), e);
    assert_int_equal(rows, 0);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.revoked"), 1);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(saved_ids_are_loaded_oldest_first, books_fresh),
        cmocka_unit_test_setup(an_id_that_is_revoked_again_starts_anew, books_fresh),
        cmocka_unit_test_setup(what_can_be_no_id_is_refused, books_fresh),
        cmocka_unit_test_setup(old_ones_are_purged, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
