/* Rate limits: Celery's words for them, and when a task may start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/attr.h"
#include "worker/runtime/rate_limit.h"

/* What celery.utils.time.rate says of the same text; starts in an hour, so that they are whole. */
static void words_mean_what_they_mean_to_celery(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rate_fault fault;
        int an_hour;
    } cases[] = {
        {"10/s", RATE_OK, 36000},
        {"10/m", RATE_OK, 600},
        {"2/h", RATE_OK, 2},
        {"5", RATE_OK, 18000},
        {"0.5/s", RATE_OK, 1800},
        {"1e1/m", RATE_OK, 600},
        {"10/", RATE_OK, 36000},
        {"0", RATE_OK, 0},
        {"", RATE_OK, 0},
        {"-1/s", RATE_OK, 0},
        {"x", RATE_NO_NUMBER, 0},
        {"/s", RATE_NO_NUMBER, 0},
        {"ten/s", RATE_NO_NUMBER, 0},
        {"0x10/s", RATE_NO_NUMBER, 0},
        {"nan", RATE_NO_NUMBER, 0},
        {"inf/s", RATE_NO_NUMBER, 0},
        {"1/d", RATE_NO_UNIT, 0},
        {"1/ss", RATE_NO_UNIT, 0},
        {"1 2/s", RATE_NO_NUMBER, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double per_s = -1;
        enum rate_fault fault = rate_limit_parse(cases[i].text, &per_s);
        if (fault != cases[i].fault)
            fail_msg("%s", cases[i].text);
        assert_int_equal((int)(per_s * 3600 + 0.5), cases[i].an_hour);
    }
}

static void no_limit_makes_nobody_wait(void **state)
{
    (void)state;
    struct rate_limit r = rate_limit_make(0, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rate_limit_take(&r, 0), 0);
}

static void the_first_starts_at_once_and_the_next_when_there_is_a_token(void **state)
{
    (void)state;
    struct rate_limit r = rate_limit_make(2, 1000);
    assert_int_equal(rate_limit_take(&r, 1000), 0);
    assert_int_equal(rate_limit_take(&r, 1000), 500);
    assert_int_equal(rate_limit_take(&r, 1200), 300);
    assert_int_equal(rate_limit_take(&r, 1500), 0);
    assert_int_equal(rate_limit_take(&r, 1500), 500);
}

static void tokens_do_not_pile_up(void **state)
{
    (void)state;
    struct rate_limit r = rate_limit_make(10, 0);
    assert_int_equal(rate_limit_take(&r, 3600000), 0);
    assert_int_equal(rate_limit_take(&r, 3600000), 100);
}

static void whoever_waits_as_long_as_told_may_start(void **state)
{
    (void)state;
    static const double rates[] = {1.0 / 3600, 0.01, 1.0 / 60, 0.3, 1, 7, 33, 1000};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct rate_limit r = rate_limit_make(rates[i], 0);
        int64_t now_ms = 0;
        for (int starts = 0; starts < 50; starts++) {
            int64_t wait_ms = rate_limit_take(&r, now_ms);
            if (wait_ms) {
                now_ms += wait_ms;
                assert_int_equal(rate_limit_take(&r, now_ms), 0);
            }
        }
        assert_true((double)now_ms >= 49 / rates[i] * 1000 - 1);
    }
}

static void a_limit_of_almost_nothing_waits_for_a_week_at_most(void **state)
{
    (void)state;
    struct rate_limit r = rate_limit_make(1e-300, 0);
    assert_int_equal(rate_limit_take(&r, 0), 0);
    assert_int_equal(rate_limit_take(&r, 0), INT64_C(7) * 86400 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_mean_what_they_mean_to_celery),
        cmocka_unit_test(no_limit_makes_nobody_wait),
        cmocka_unit_test(the_first_starts_at_once_and_the_next_when_there_is_a_token),
        cmocka_unit_test(tokens_do_not_pile_up),
        cmocka_unit_test(whoever_waits_as_long_as_told_may_start),
        cmocka_unit_test(a_limit_of_almost_nothing_waits_for_a_week_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
