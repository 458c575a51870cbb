/* Crontabs: what may be written and which numbers it means, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/schedule/crontab.h"

static struct crontab crontab(const char *text)
{
    struct err e = {0};
    struct crontab c = {0};
    if (!crontab_parse(text, &c, &e))
        fail_msg("%s", e.text);
    return c;
}

/* "1,3,5" as a set. */
static uint64_t set(const char *numbers)
{
    uint64_t bits = 0;
    int number, used;
    for (; sscanf(numbers, "%d%n", &number, &used) == 1; numbers += used + (numbers[used] == ','))
        bits |= UINT64_C(1) << number;
    return bits;
}

static void assert_minutes(const char *field, const char *numbers)
{
    char text[200];
    snprintf(text, sizeof text, "%s * * * *", field);
    assert_int_equal(crontab(text).minutes, set(numbers));
}

static void a_part_is_a_star_a_number_or_a_range_with_or_without_step(void **state)
{
    (void)state;
    assert_int_equal(crontab("* * * * *").minutes, (UINT64_C(1) << 60) - 1);
    assert_int_equal(crontab("* * * * *").days, 0xfffffffe);
    assert_minutes("7", "7");
    assert_minutes("07", "7");
    assert_minutes("1-4", "1,2,3,4");
    assert_minutes("5-5", "5");
    assert_minutes("*/15", "0,15,30,45");
    assert_minutes("*/60", "0");
    assert_minutes("10-20/5", "10,15,20");
    assert_minutes("10-20/7,1,59", "1,10,17,59");
}

static void steps_of_a_star_count_from_the_least_number_of_the_field(void **state)
{
    (void)state;
    assert_int_equal(crontab("0 */6 * * *").hours, set("0,6,12,18"));
    assert_int_equal(crontab("0 0 */10 * *").days, set("1,11,21,31"));
    assert_int_equal(crontab("0 0 1 */5 *").months, set("1,6,11"));
    assert_int_equal(crontab("0 0 * * */3").weekdays, set("0,3,6"));
}

static void a_range_wraps_around_and_steps_run_along_it(void **state)
{
    (void)state;
    assert_minutes("50-10/5", "50,55,0,5,10");
    assert_minutes("58-2", "58,59,0,1,2");
    assert_minutes("58-2/2", "58,0,2");
    assert_int_equal(crontab("0 22-2 * * *").hours, set("22,23,0,1,2"));
    assert_int_equal(crontab("0 0 30-2 * *").days, set("30,31,1,2"));
    assert_int_equal(crontab("0 0 1 nov-feb *").months, set("11,12,1,2"));
    assert_int_equal(crontab("0 0 * * fri-mon").weekdays, set("5,6,0,1"));
    assert_int_equal(crontab("0 0 * * sat-sun").weekdays, set("6,0"));
}

static void months_and_weekdays_have_names_of_which_three_letters_count(void **state)
{
    (void)state;
    assert_int_equal(crontab("0 0 1 jan,APR,December *").months, set("1,4,12"));
    assert_int_equal(crontab("0 0 * * Mon-FRIDAY/2").weekdays, set("1,3,5"));
    assert_int_equal(crontab("0 0 * * 1-fri").weekdays, set("1,2,3,4,5"));
    assert_int_equal(crontab("0 0 * * sunday").weekdays, set("0"));
    assert_int_equal(crontab("0 0 * * tues,thurs").weekdays, set("2,4"));
}

static void any_run_of_blanks_and_tabs_is_between_fields(void **state)
{
    (void)state;
    struct crontab c = crontab("  0\t4   * \t *  mon-fri\t");
    assert_int_equal(c.minutes, set("0"));
    assert_int_equal(c.hours, set("4"));
    assert_int_equal(c.weekdays, set("1,2,3,4,5"));
}

static void a_star_in_minute_or_hour_runs_through(void **state)
{
    (void)state;
    static const char *const through[] = {"* * * * *", "*/15 2 * * *", "0 * * * *", "30 */2 * * *",
                                          "7,*/30 3 * * *"};
    static const char *const fixed[] = {"0 2 * * *", "0,15,30,45 2 * * *", "0-59 0-23 * * *",
                                        "0 2 */2 * *", "30 1 1 */3 *"};
    for (size_t i = 0; i < ARRAY_LEN(through); i++)
        assert_true(crontab(through[i]).runs_through);
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        assert_false(crontab(fixed[i]).runs_through);
}

static void anything_else_is_refused_with_the_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column, *what;
    } cases[] = {
        {"", "column 1", "five fields"},
        {"0 4 * *", "column 8", "five fields"},
        {"0 4 * * * *", "column 11", "more than five"},
        {"@daily", "column 1", "minute: a number is missing"},
        /* Celery reads only the beginning of these */
        {"1-5-9 * * * *", "column 4", "minute: what is this?"},
        {"0 0 * * mon#1", "column 12", "day of the week: what is this?"},
        {"0 0 * * mon-fri#2", "column 16", "what is this?"},
        {"*/15-3 * * * *", "column 5", "what is this?"},
        {"1-10/2/3 * * * *", "column 7", "what is this?"},
        {"*/5x * * * *", "column 4", "what is this?"},
        {"0 0 * * mon1", "column 12", "what is this?"},
        {"0 0 * * mon_", "column 12", "what is this?"},
        {"1_0 * * * *", "column 2", "what is this?"},
        {"*/1_0 * * * *", "column 4", "what is this?"},
        {"5x * * * *", "column 2", "what is this?"},
        /* and takes these for numbers of another meaning */
        {"mon * * * *", "column 1", "minute: has numbers only"},
        {"0 jan * * *", "column 3", "hour: has numbers only"},
        {"0 0 mon * *", "column 5", "day of the month: has numbers only"},
        {"0 0 1 mon *", "column 7", "the names are jan to dec"},
        {"0 0 * * mar", "column 9", "the names are sun to sat"},
        {"*/90 * * * *", "column 3", "longer than the whole field"},
        {"0 */25 * * *", "column 5", "longer than the whole field"},
        {"10-20/61 * * * *", "column 7", "longer than the whole field"},
        {"*/99999999999999999999 * * * *", "column 3", "longer than"},
        /* Celery refuses these too */
        {"60 * * * *", "column 1", "0 to 59"},
        {"99999999999999999999 * * * *", "column 1", "0 to 59"},
        {"0 24 * * *", "column 3", "0 to 23"},
        {"0 0 0 * *", "column 5", "1 to 31"},
        {"0 0 32 * *", "column 5", "1 to 31"},
        {"0 0 1 13 *", "column 7", "1 to 12"},
        {"0 0 * * 7", "column 9", "0 to 6; Sunday is 0"},
        {"-5 * * * *", "column 1", "a number is missing"},
        {"5- * * * *", "column 3", "a number is missing"},
        {"+5 * * * *", "column 1", "a number is missing"},
        {"? * * * *", "column 1", "a number is missing"},
        {"0 0 L * *", "column 5", "has numbers only"},
        {"** * * * *", "column 2", "what is this?"},
        {"*-5 * * * *", "column 2", "what is this?"},
        {"*/ * * * *", "column 3", "a step is a number"},
        {"*/0 * * * *", "column 3", "at least 1"},
        {"*/mon * * * *", "column 3", "a step is a number"},
        {"1-10/ * * * *", "column 6", "a step is a number"},
        {"1/5 * * * *", "column 2", "a step follows * or a range"},
        {"1,,2 * * * *", "column 3", "an empty part"},
        {",1 * * * *", "column 1", "an empty part"},
        {"1, 2 * * * *", "column 3", "an empty part"},
        {"0 0 * * mo", "column 9", "the names are sun to sat"},
        {"0 0 31 2,4,jun *", "column 1", "a date that never comes"},
        {"0 0 30,31 feb *", "column 1", "a date that never comes"},
        {"\xd9\xa3 * * * *", "column 1", "a number is missing"}, /* an Arabic 3 */
        {"0\n0 * * *", "column 2", "what is this?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct crontab out = {.minutes = 77};
        if (crontab_parse(cases[i].text, &out, &e))
            fail_msg("accepted: %s", cases[i].text);
        assert_string_equal(e.code, "bad_crontab");
        assert_int_equal(e.kind, ERR_FATAL);
        assert_int_equal(out.minutes, 77);
        char column[20];
        snprintf(column, sizeof column, "%s:", cases[i].column);
        if (!strstr(e.text, column) || !strstr(e.text, cases[i].what))
            fail_msg("%s", e.text);
    }
}

static void the_longest_crontab_is_taken_and_a_longer_one_refused(void **state)
{
    (void)state;
    char text[CRONTAB_TEXT + 2];
    memset(text, ' ', sizeof text);
    memcpy(text, "0 0 * * *", 9);
    text[CRONTAB_TEXT] = '\0';
    (void)crontab(text);
    text[CRONTAB_TEXT] = ' ';
    text[CRONTAB_TEXT + 1] = '\0';
    struct crontab c;
    struct err e = {0};
    assert_false(crontab_parse(text, &c, &e));
    assert_non_null(strstr(e.text, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_a_star_a_number_or_a_range_with_or_without_step),
        cmocka_unit_test(steps_of_a_star_count_from_the_least_number_of_the_field),
        cmocka_unit_test(a_range_wraps_around_and_steps_run_along_it),
        cmocka_unit_test(months_and_weekdays_have_names_of_which_three_letters_count),
        cmocka_unit_test(any_run_of_blanks_and_tabs_is_between_fields),
        cmocka_unit_test(a_star_in_minute_or_hour_runs_through),
        cmocka_unit_test(anything_else_is_refused_with_the_column),
        cmocka_unit_test(the_longest_crontab_is_taken_and_a_longer_one_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
