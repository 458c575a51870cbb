/* What the books make of texts without a server: clean UTF-8, numbers, ids of children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "books/pg.h"
#include "books/run.h"

static void a_text_that_is_no_utf8_is_made_acceptable(void **state)
{
    (void)state;
    char cut[] = "gr\xc3\xbc\xc3", bad[] = "a\xff\xed\xa0\x80z", good[] = "\xe2\x82\xac";
    char overlong[] = "\xc0\x80\xe0\x80\xaf", high[] = "\xf4\x90\x80\x80\xf0\x9f\x98\x80";
    assert_string_equal(pg_clean(cut), "gr\xc3\xbc?");
    assert_string_equal(pg_clean(bad), "a????z");
    assert_string_equal(pg_clean(good), "\xe2\x82\xac");
    assert_string_equal(pg_clean(overlong), "?????");
    assert_string_equal(pg_clean(high), "????\xf0\x9f\x98\x80");
}

static void a_number_keeps_all_its_digits(void **state)
{
    (void)state;
    char text[PG_NUMBER];
    assert_string_equal(pg_number(INT64_MIN, text), "-9223372036854775808");
}

static void a_childs_id_follows_from_its_parent_and_its_subject(void **state)
{
    (void)state;
    char a[UUID_TEXT], same[UUID_TEXT], other[UUID_TEXT];
    run_child_id("p", "record 7", a);
    run_child_id("p", "record 7", same);
    run_child_id("p/record", "7", other);
    assert_string_equal(a, same);
    assert_string_not_equal(a, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_no_utf8_is_made_acceptable),
        cmocka_unit_test(a_number_keeps_all_its_digits),
        cmocka_unit_test(a_childs_id_follows_from_its_parent_and_its_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
