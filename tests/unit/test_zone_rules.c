/* Rules of a zone as text, and which tzdata is the later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "common/base/tzdata.h"

static void rules_of(const char *name, struct buf *b)
{
    struct err e = {0};
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, &e) || !zone_rules_text(zone, b, &e))
        fail_msg("%s: %s", name, e.text);
    timezone_free(zone);
}

static void a_zone_is_its_stretches_of_one_offset_from_2000_to_2038(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free) = buf_make(ZONE_RULES_MAX);
    rules_of("UTC", &b);
    assert_string_equal(b.data, "946684800:0 ");
    buf_clear(&b);
    rules_of("America/New_York", &b);
    assert_int_equal(strncmp(b.data, "946684800:-18000 954658800:-14400 972799200:-18000 ", 51), 0);
    buf_clear(&b);
    rules_of("Africa/Casablanca", &b); /* of all zones the one with most changes */
    assert_in_range(b.len, 1000, ZONE_RULES_MAX / 2);
}

static void rules_differ_from_the_first_instant_whose_clock_does(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int64_t since_s;
    } rules[] = {{"1:5 9:6 ", "1:5 9:7 ", 9}, {"1:5 9:6 ", "1:5 8:6 ", 8},
                 {"1:5 ", "1:5 9:6 ", 9},     {"", "1:5 ", 1},
                 {"1:5 x", "1:5 7:2 ", 7},    {"1:5 ", "1:6 ", 1}};
    int64_t since_s = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        assert_true(zone_rules_differ(rules[i].a, rules[i].b, &since_s));
        assert_int_equal(since_s, rules[i].since_s);
        assert_true(zone_rules_differ(rules[i].b, rules[i].a, &since_s));
        assert_int_equal(since_s, rules[i].since_s);
        assert_false(zone_rules_differ(rules[i].a, rules[i].a, &since_s));
    }
}

static const char *version_of(const char *file, const char *text, char out[TZDATA_VERSION])
{
    char folder[] = "/tmp/tzdata-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    setenv("TZDIR", folder, 1);
    tzdata_version(out);
    unsetenv("TZDIR");
    remove(path);
    remove(folder);
    return out;
}

static void the_version_is_that_of_the_folder_the_rules_are_in(void **state)
{
    (void)state;
    char out[TZDATA_VERSION];
    assert_string_equal(version_of("tzdata.zi", "# version 2026f\nR d 1916\n", out), "2026f");
    assert_string_equal(version_of("+VERSION", "2025b\n", out), "2025b");
    static const char *const none[] = {"",
                                       "# version \n",
                                       "# version 26f\n",
                                       "version 2026f\n",
                                       "# version 2026\n",
                                       "# version 2026abcdefghijklmnop\n"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_string_equal(version_of("tzdata.zi", none[i], out), "");
}

static void a_later_tzdata_is_newer_and_an_unknown_one_is_not(void **state)
{
    (void)state;
    assert_true(tzdata_is_newer("2026f", "2025b") && tzdata_is_newer("2026b", "2026a") &&
                tzdata_is_newer("2026za", "2026z"));
    assert_false(tzdata_is_newer("2025b", "2026f") || tzdata_is_newer("2025b", "2025b") ||
                 tzdata_is_newer("", "2025b") || tzdata_is_newer("2025b", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_is_its_stretches_of_one_offset_from_2000_to_2038),
        cmocka_unit_test(rules_differ_from_the_first_instant_whose_clock_does),
        cmocka_unit_test(the_version_is_that_of_the_folder_the_rules_are_in),
        cmocka_unit_test(a_later_tzdata_is_newer_and_an_unknown_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
