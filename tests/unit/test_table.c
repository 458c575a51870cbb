/* How rows come out in columns and as CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ctl/table.h"

static const char *const titles[] = {"\"name", ">many", "last"};

static void columns_are_as_wide_as_the_widest_cell_and_numbers_stand_right(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    table_row(&t, "%s\t%d\t%s", "gr\303\274n", 7, "x");
    table_row(&t, "%s\t%d\t%s", "a", 12345, "");
    table_print(&t, out);
    fclose(out);
    assert_string_equal(text, "name   many  last\n"
                              "gr\303\274n      7  x\n"
                              "a     12345  \n");
    free(text);
}

static void a_value_can_neither_end_its_cell_nor_speak_to_a_terminal(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    table_row(&t, "%s\t%d\t%s", "a\tb\n", 1, "\033[31m");
    table_row(&t, "%s", "alone");
    table_print(&t, out);
    fclose(out);
    assert_string_equal(text, "name   many  last\n"
                              "a?b?      1  ?[31m\n"
                              "alone        \n");
    free(text);
}

static void csv_quotes_texts_and_makes_a_text_of_a_formula(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const struct table t = table_make(titles, ARRAY_LEN(titles));
    table_csv_titles(&t, out);
    table_csv_row(&t, out, "%s\t%d\t%s", "say \"so\", then", -1, "");
    table_csv_row(&t, out, "%s\t%s\t%s", " =1+1", "", "2026-03");
    table_csv_row(&t, out, "%s", "-");
    fclose(out);
    assert_string_equal(text, "name,many,last\n"
                              "\"say \"\"so\"\", then\",-1,\n"
                              "\"' =1+1\",,2026-03\n"
                              "\"-\",,\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_the_widest_cell_and_numbers_stand_right),
        cmocka_unit_test(a_value_can_neither_end_its_cell_nor_speak_to_a_terminal),
        cmocka_unit_test(csv_quotes_texts_and_makes_a_text_of_a_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
