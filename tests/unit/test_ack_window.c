/* Acknowledgements: in the order of delivery one frame for many, others alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/runtime/ack_window.h"

static struct ack_window window;

static int start(void **state)
{
    (void)state;
    return ack_window_make(&window, 4) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ack_window_free(&window);
    return 0;
}

static void arrive(uint64_t up_to)
{
    for (uint64_t tag = 1; tag <= up_to; tag++)
        assert_true(ack_window_arrived(&window, tag));
}

static void assert_flush(uint64_t tag, bool multiple)
{
    uint64_t flushed;
    bool is_multiple;
    assert_true(ack_window_flush(&window, &flushed, &is_multiple));
    assert_int_equal(flushed, tag);
    assert_int_equal(is_multiple, multiple);
    assert_false(ack_window_flush(&window, &flushed, &is_multiple));
}

static void those_in_order_go_out_as_one(void **state)
{
    (void)state;
    arrive(3);
    for (uint64_t tag = 1; tag <= 3; tag++)
        assert_false(ack_window_acknowledge(&window, tag));
    assert_flush(3, true);
}

static void one_in_order_is_not_multiple(void **state)
{
    (void)state;
    arrive(1);
    assert_false(ack_window_acknowledge(&window, 1));
    assert_flush(1, false);
}

static void one_out_of_order_goes_out_alone_and_never_acknowledges_those_before_it(void **state)
{
    uint64_t tag;
    bool multiple;
    (void)state;
    arrive(3);
    assert_true(ack_window_acknowledge(&window, 2));
    assert_true(ack_window_acknowledge(&window, 3));
    assert_false(ack_window_flush(&window, &tag, &multiple));
    assert_false(ack_window_acknowledge(&window, 1));
    assert_flush(1, false);
    assert_true(ack_window_arrived(&window, 4)); /* 2 and 3 are settled already */
    assert_false(ack_window_acknowledge(&window, 4));
    assert_flush(4, false);
}

static void what_goes_back_does_not_hold_up_the_order(void **state)
{
    (void)state;
    arrive(3);
    ack_window_settle(&window, 1);
    assert_false(ack_window_acknowledge(&window, 2));
    assert_false(ack_window_acknowledge(&window, 3));
    assert_flush(3, true);
}

static void more_than_a_prefetch_may_be_outstanding(void **state)
{
    (void)state;
    arrive(3);
    assert_true(ack_window_acknowledge(&window, 3));
    for (uint64_t tag = 4; tag <= 1000; tag++)
        assert_true(ack_window_arrived(&window, tag));
    for (uint64_t tag = 5; tag <= 1000; tag++)
        assert_true(ack_window_acknowledge(&window, tag));
    assert_false(ack_window_acknowledge(&window, 1));
    assert_false(ack_window_acknowledge(&window, 2));
    assert_flush(2, true);
    assert_false(ack_window_acknowledge(&window, 4)); /* 3 was settled before the ring grew */
    assert_flush(4, false);
    assert_int_equal(window.settled_up_to, 1000);
}

static void a_new_channel_begins_at_one(void **state)
{
    uint64_t tag;
    bool multiple;
    (void)state;
    arrive(3);
    assert_false(ack_window_acknowledge(&window, 1));
    assert_true(ack_window_acknowledge(&window, 3));
    ack_window_reset(&window);
    assert_false(ack_window_flush(&window, &tag, &multiple));
    arrive(3);
    assert_false(ack_window_acknowledge(&window, 1));
    assert_false(ack_window_acknowledge(&window, 2));
    assert_flush(2, true);
}

#define WINDOW_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WINDOW_TEST(those_in_order_go_out_as_one),
        WINDOW_TEST(one_in_order_is_not_multiple),
        WINDOW_TEST(one_out_of_order_goes_out_alone_and_never_acknowledges_those_before_it),
        WINDOW_TEST(what_goes_back_does_not_hold_up_the_order),
        WINDOW_TEST(more_than_a_prefetch_may_be_outstanding),
        WINDOW_TEST(a_new_channel_begins_at_one),
    };
    return cmocka_run_group_tests_name("test_ack_window", tests, NULL, NULL);
}
