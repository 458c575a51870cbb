/* What the books make of texts without a server: clean UTF-8, numbers, ids of children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/store/pg.h"
#include "common/store/record.h"
#include "common/store/run.h"
#include "common/store/series.h"

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

static void a_meter_of_no_subscription_is_adopted_by_the_first_with_its_href(void **state)
{
    (void)state;
    assert_true(series_is_adopted("UsagePoint/1@", "UsagePoint/1@sub-7"));
    assert_true(series_is_adopted("UsagePoint/1@", "UsagePoint/1@"));
    assert_false(series_is_adopted("UsagePoint/1@sub-7", "UsagePoint/1@"));
    assert_false(series_is_adopted("UsagePoint/1@sub-7", "UsagePoint/1@sub-8"));
    assert_false(series_is_adopted("UsagePoint/1@", "UsagePoint/1.tou2@sub-7"));
    assert_false(series_is_adopted("UsagePoint/1@", "UsagePoint/12@sub-7"));
    assert_false(series_is_adopted("", "UsagePoint/1@sub-7"));
    assert_false(series_is_adopted("0123456789abcdef", "0123456789abcdef@sub-7"));
}

static void a_file_leaves_alone_what_was_decided_about_anothers_series(void **state)
{
    (void)state;
    const struct series_claim file = {.record_id = 7, .is_manual = true}, feed = {.record_id = 7};
    assert_true(series_is_anothers(&file, 8));
    assert_false(series_is_anothers(&file, 7));
    assert_false(series_is_anothers(&feed, 8));
}

static void a_record_of_a_file_is_told_by_its_url(void **state)
{
    (void)state;
    const struct record file = {.url = (char *)"import:/data/a.xml"},
                        feed = {.url = (char *)"https://import:1/a.xml"};
    assert_true(record_is_import(&file));
    assert_false(record_is_import(&feed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_no_utf8_is_made_acceptable),
        cmocka_unit_test(a_number_keeps_all_its_digits),
        cmocka_unit_test(a_childs_id_follows_from_its_parent_and_its_subject),
        cmocka_unit_test(a_meter_of_no_subscription_is_adopted_by_the_first_with_its_href),
        cmocka_unit_test(a_file_leaves_alone_what_was_decided_about_anothers_series),
        cmocka_unit_test(a_record_of_a_file_is_told_by_its_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
