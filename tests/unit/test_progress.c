/* What the line of a progress bar says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/progress.h"

static void the_bar_grows_with_what_is_done_and_stays_within_its_frame(void **state)
{
    (void)state;
    char line[PROGRESS_LINE];
    struct progress p = {.what = "audit", .total = 200};
    assert_string_equal(progress_line(&p, 100, line),
                        "audit [..............................]   0%");
    p.done = 100;
    assert_string_equal(progress_line(&p, 100, line),
                        "audit [###############...............]  50%");
    p.done = INT64_MAX;
    assert_string_equal(progress_line(&p, 100, line),
                        "audit [##############################] 100%");
    p.done = -1;
    assert_non_null(strstr(progress_line(&p, 100, line), "  0%"));
}

static void without_a_total_there_is_no_bar_but_what_it_is_at(void **state)
{
    (void)state;
    char line[PROGRESS_LINE];
    struct progress p = {.what = "-", .note = "writing: 5 of 9 points"};
    assert_string_equal(progress_line(&p, 100, line), "-  writing: 5 of 9 points");
}

static void no_line_is_wider_than_the_terminal_nor_carries_control_characters(void **state)
{
    (void)state;
    char line[PROGRESS_LINE];
    struct progress p = {.what = "f\303\274r\033[31m.xml", .total = 1, .note = "a note"};
    assert_string_equal(progress_line(&p, 7, line), "f\303\274r?[31");
    assert_null(strchr(progress_line(&p, 100, line), '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_grows_with_what_is_done_and_stays_within_its_frame),
        cmocka_unit_test(without_a_total_there_is_no_bar_but_what_it_is_at),
        cmocka_unit_test(no_line_is_wider_than_the_terminal_nor_carries_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
