/* When KairosDB has a day as the ledger has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/reconcile/reconciliation.h"

static void fewer_points_are_less_whatever_their_sum_and_more_are_more(void **state)
{
    (void)state;
    const struct kairosdb_bucket shown = {.sum = 1000.0000001, .count = 96};
    assert_int_equal(reconciliation_of(&shown, 96, 1000, 1000), RECONCILED_SAME);
    assert_int_equal(reconciliation_of(&shown, 97, 1000, 1000), RECONCILED_LESS);
    assert_int_equal(reconciliation_of(&shown, 95, 1000, 1000), RECONCILED_MORE);
}

static void as_many_points_with_another_sum_are_other(void **state)
{
    (void)state;
    const struct kairosdb_bucket shown = {.sum = 1000, .count = 96};
    assert_int_equal(reconciliation_of(&shown, 96, 1001, 1001), RECONCILED_OTHER);
    assert_int_equal(reconciliation_of(&shown, 96, 1000.00001, 1000), RECONCILED_OTHER);
    assert_int_equal(reconciliation_of(&shown, 96, 1000.00001, 1e6), RECONCILED_SAME);
}

static void nothing_agrees_with_nothing(void **state)
{
    (void)state;
    const struct kairosdb_bucket none = {.count = 0};
    assert_int_equal(reconciliation_of(&none, 0, 0, 0), RECONCILED_SAME);
    assert_int_equal(reconciliation_of(&none, 1, 0, 0), RECONCILED_LESS);
}

static void less_is_worse_than_other_and_other_than_more(void **state)
{
    (void)state;
    assert_true(RECONCILED_LESS > RECONCILED_OTHER);
    assert_true(RECONCILED_OTHER > RECONCILED_MORE);
    assert_true(RECONCILED_MORE > RECONCILED_SAME);
    assert_string_equal(reconciliation_name(RECONCILED_LESS), "less");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_points_are_less_whatever_their_sum_and_more_are_more),
        cmocka_unit_test(as_many_points_with_another_sum_are_other),
        cmocka_unit_test(nothing_agrees_with_nothing),
        cmocka_unit_test(less_is_worse_than_other_and_other_than_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
