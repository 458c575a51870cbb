/* The set of revoked ids: bounded by number and age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/revoked.h"

static void an_id_is_revoked_until_its_time_is_over(void **state)
{
    (void)state;
    struct revoked *r = revoked_new(10, 1000);
    bool is_new = false;
    assert_true(revoked_add(r, "a", 5, &is_new));
    assert_true(is_new);
    assert_true(revoked_has(r, "a", 5));
    assert_true(revoked_has(r, "a", 1004));
    assert_false(revoked_has(r, "a", 1005));
    assert_false(revoked_has(r, "b", 5));
    assert_int_equal(revoked_purge(r, 1005), 0);
    revoked_free(r);
}

static void revoked_again_its_time_starts_again(void **state)
{
    (void)state;
    struct revoked *r = revoked_new(10, 1000);
    bool is_new = true;
    assert_true(revoked_add(r, "a", 0, NULL));
    assert_true(revoked_add(r, "b", 1, NULL));
    assert_true(revoked_add(r, "a", 900, &is_new));
    assert_false(is_new);
    assert_true(revoked_has(r, "a", 1800));
    assert_int_equal(revoked_purge(r, 1800), 1);
    json_t *list = revoked_list(r);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_array_get(list, 0)), "a");
    json_decref(list);
    revoked_free(r);
}

static void when_it_is_full_the_oldest_is_forgotten(void **state)
{
    (void)state;
    struct revoked *r = revoked_new(100, INT64_MAX);
    char id[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "task-%d", i);
        assert_true(revoked_add(r, id, i, NULL));
    }
    json_t *list = revoked_list(r);
    assert_int_equal(json_array_size(list), 100);
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "task-%d", i);
        assert_int_equal(revoked_has(r, id, 1000), i >= 900);
        if (i >= 900)
            assert_string_equal(json_string_value(json_array_get(list, (size_t)i - 900)), id);
    }
    json_decref(list);
    revoked_free(r);
}

static void what_can_be_no_id_is_refused(void **state)
{
    (void)state;
    struct revoked *r = revoked_new(10, 1000);
    char *longest = calloc(1, REVOKED_ID_MAX + 2);
    memset(longest, 'x', REVOKED_ID_MAX);
    assert_true(revoked_add(r, longest, 0, NULL));
    longest[REVOKED_ID_MAX] = 'x';
    assert_false(revoked_add(r, longest, 0, NULL));
    assert_false(revoked_add(r, "", 0, NULL));
    assert_int_equal(revoked_purge(r, 0), 1);
    free(longest);
    revoked_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_revoked_until_its_time_is_over),
        cmocka_unit_test(revoked_again_its_time_starts_again),
        cmocka_unit_test(when_it_is_full_the_oldest_is_forgotten),
        cmocka_unit_test(what_can_be_no_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
