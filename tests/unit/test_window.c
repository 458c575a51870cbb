/* What windows and date patterns promise: each day is asked for, none before its time, DST or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/greenbutton/date_pattern.h"
#include "common/greenbutton/window.h"

static struct timezone_rules *zone;

static int load_zone(void **state)
{
    (void)state;
    struct err e;
    return timezone_load("America/New_York", &zone, &e) ? 0 : -1;
}

static int free_zone(void **state)
{
    (void)state;
    timezone_free(zone);
    return 0;
}

static int64_t local(int year, int month, int day, int hour)
{
    return timezone_instant(zone, (struct civil){year, month, day, hour, 0, 0});
}

static struct window_source record(void)
{
    return (struct window_source){.time_type = "date",
                                  .date_pattern = "month/day/year",
                                  .last_date = "3/1/2026",
                                  .asks_for_dates = true,
                                  .window_days = 31,
                                  .overlap_days = 2,
                                  .history_days = 400};
}

static struct window next(struct window_source r, int64_t now)
{
    struct err e = {0};
    struct window w = {0};
    if (!window_next(&r, zone, now, &w, &e))
        fail_msg("%s: %s", e.code, e.text);
    return w;
}

static void refused(struct window_source r, const char *code)
{
    struct err e = {0};
    struct window w;
    assert_false(window_next(&r, zone, local(2026, 3, 10, 9), &w, &e));
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(e.code, code);
}

static void
a_window_runs_from_the_overlap_to_yesterday_across_the_hour_that_is_missing(void **state)
{
    (void)state;
    struct window w = next(record(), local(2026, 3, 10, 9));
    assert_string_equal(w.min, "2/27/2026");
    assert_string_equal(w.max, "3/9/2026");
    assert_string_equal(w.next_last_date, "3/10/2026");
    assert_int_equal(w.to_s - w.from_s, 11 * 86400 - 3600);
    assert_true(w.moves && w.reaches_now && !w.behind && !w.nothing);
}

static void a_record_that_has_yesterday_asks_for_nothing(void **state)
{
    (void)state;
    struct window_source r = record();
    r.last_date = "3/10/2026";
    assert_true(next(r, local(2026, 3, 10, 0)).nothing);
    assert_true(next(r, local(2026, 3, 10, 23)).nothing);
    assert_false(next(r, local(2026, 3, 11, 0)).nothing);
    r.last_date = "1/1/2099";
    assert_true(next(r, local(2026, 3, 10, 0)).nothing);
}

static void a_record_far_behind_takes_one_window_at_a_time(void **state)
{
    (void)state;
    struct window_source r = record();
    r.last_date = "01/01/2024";
    struct window w = next(r, local(2026, 3, 10, 9));
    assert_true(w.behind && !w.reaches_now);
    assert_string_equal(w.min, "12/30/2023");
    assert_string_equal(w.max, "1/31/2024");
    assert_string_equal(w.next_last_date, "2/1/2024");
}

static void a_record_never_fetched_starts_with_its_history(void **state)
{
    (void)state;
    struct window_source r = record();
    r.last_date = "";
    r.history_days = 10;
    struct window w = next(r, local(2026, 3, 10, 9));
    assert_string_equal(w.min, "2/28/2026");
    assert_false(w.behind);
}

static void timestamps_are_local_midnights_in_epoch_seconds(void **state)
{
    (void)state;
    struct window_source r = record();
    r.time_type = "timestamp";
    r.last_date = NULL;
    r.last_ts = local(2026, 3, 9, 0);
    r.overlap_days = 0;
    struct window w = next(r, local(2026, 3, 10, 9));
    assert_string_equal(w.min, "1773028800");
    assert_string_equal(w.max, "1773115199");
    assert_int_equal(w.next_last_ts, local(2026, 3, 10, 0));
}

static void a_feed_without_date_parameters_is_always_whole(void **state)
{
    (void)state;
    struct window_source r = record();
    r.asks_for_dates = false;
    r.last_date = "";
    struct window w = next(r, local(2026, 3, 10, 9));
    assert_int_equal(w.from_s, 0);
    assert_int_equal(w.to_s, local(2026, 3, 10, 0));
    assert_false(w.behind);
}

static void impossible_records_are_refused_with_the_field_that_is_wrong(void **state)
{
    (void)state;
    struct window_source r = record();
    r.last_date = "2/30/2026";
    refused(r, "bad_date");
    r.last_date = "2026-03-01";
    refused(r, "bad_date");
    r = record();
    r.date_pattern = "%m/%d";
    refused(r, "bad_date_pattern");
    r.date_pattern = "%Q";
    refused(r, "bad_date_pattern");
    r = record();
    r.time_type = "moment";
    refused(r, "bad_time_type");
    r.time_type = "timestamp";
    r.last_ts = 1773028800000;
    refused(r, "bad_last_ts");
    r.last_ts = -1;
    refused(r, "bad_last_ts");
}

static void a_span_asked_for_by_name_is_whole_days_and_moves_nothing(void **state)
{
    (void)state;
    struct window_source r = record();
    struct err e = {0};
    struct window w;
    assert_true(window_named(&r, zone, local(2026, 3, 10, 9), local(2026, 3, 8, 5),
                             local(2026, 3, 8, 6), &w, &e));
    assert_int_equal(w.from_s, local(2026, 3, 8, 0));
    assert_int_equal(w.to_s, local(2026, 3, 9, 0));
    assert_int_equal(w.to_s - w.from_s, 23 * 3600);
    assert_false(w.moves || w.behind);
    assert_true(window_named(&r, zone, local(2026, 3, 10, 9), local(2026, 3, 10, 1),
                             local(2026, 3, 11, 0), &w, &e));
    assert_true(w.nothing);
    assert_false(window_named(&r, zone, local(2026, 3, 10, 9), 5, 5, &w, &e));
    assert_string_equal(e.code, "bad_window");
}

static void every_pattern_writes_what_it_reads(void **state)
{
    (void)state;
    const char *const patterns[][2] = {
        {"%m/%d/%Y", "03/08/2026"},  {"month/day/year", "3/8/2026"},
        {"%Y-%m-%d", "2026-03-08"},  {"%F", "2026-03-08"},
        {"%D", "03/08/26"},          {"%-d.%-m.%Y", "8.3.2026"},
        {"%d %b %Y", "08 Mar 2026"}, {"%B %e, %Y", "March 8, 2026"},
        {"%Y%j", "2026067"},         {"%Y-%m-%dT%H:%M:%S", "2026-03-08T00:00:00"},
        {"yyyymmdd", "20260308"},    {"", "03/08/2026"},
        {"%%%Y%m%d", "%20260308"},
    };
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct date_pattern p;
        struct civil day;
        struct err e = {0};
        char out[64];
        assert_true(date_pattern_compile(patterns[i][0], &p, &e));
        assert_true(date_pattern_read(&p, patterns[i][1], &day, &e));
        assert_int_equal(civil_days(day.year, day.month, day.day), civil_days(2026, 3, 8));
        assert_true(date_pattern_write(&p, day, out, sizeof out, &e));
        assert_string_equal(out, patterns[i][1]);
        assert_false(date_pattern_write(&p, day, out, strlen(out), &e));
    }
}

static void a_pattern_that_names_a_part_twice_or_not_at_all_is_refused(void **state)
{
    (void)state;
    const char *const patterns[] = {"day/day/year", "%Y",       "no date",
                                    "%Y-%m-%d %y",  "%Y%j%m%d", "%"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct date_pattern p;
        struct err e = {0};
        assert_false(date_pattern_compile(patterns[i], &p, &e));
        assert_string_equal(e.code, "bad_date_pattern");
    }
}

static void a_pattern_whose_numbers_run_together_is_refused(void **state)
{
    (void)state;
    const char *const patterns[] = {"%Y-%-m%d", "%-d%m%Y",    "%Y%-j%H",    "monthday/year",
                                    "%e%Y-%m",  "%-d5/%m/%Y", "%-H%d-%m-%Y"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct date_pattern p;
        struct err e = {0};
        assert_false(date_pattern_compile(patterns[i], &p, &e));
        assert_string_equal(e.code, "bad_date_pattern");
    }
}

static void every_day_that_a_pattern_writes_is_read_as_itself(void **state)
{
    (void)state;
    static const char *const parts[] = {"%Y", "%y",  "%m", "%-m", "%b", "%B", "%d", "%-d", "%e",
                                        "%j", "%-j", "-",  "7",   "%H", "%%", " ",  ""};
    size_t n = ARRAY_LEN(parts), patterns = 0;
    for (size_t i = 0; i < n * n * n * n * n; i++) {
        struct date_pattern p;
        struct err e = {0};
        char text[32], out[64];
        snprintf(text, sizeof text, "%s%s%s%s%s", parts[i % n], parts[i / n % n],
                 parts[i / n / n % n], parts[i / n / n / n % n], parts[i / n / n / n / n]);
        if (!date_pattern_compile(text, &p, &e))
            continue;
        patterns++;
        for (int day = 0; day < 400; day += 13) {
            struct civil wanted = civil_from_days(civil_days(2026, 1, 1) + day), read;
            if (!date_pattern_write(&p, wanted, out, sizeof out, &e) ||
                !date_pattern_read(&p, out, &read, &e))
                fail_msg("\"%s\": %s", text, e.text);
            assert_int_equal(civil_days(read.year, read.month, read.day),
                             civil_days(wanted.year, wanted.month, wanted.day));
        }
    }
    assert_true(patterns > 100);
}

static void dates_whose_digits_run_together_need_their_zeros(void **state)
{
    (void)state;
    struct date_pattern p;
    struct civil day;
    struct err e = {0};
    assert_true(date_pattern_compile("%m%d%Y", &p, &e));
    assert_false(date_pattern_read(&p, "1112026", &day, &e));
    assert_string_equal(e.code, "bad_date");
    assert_true(date_pattern_read(&p, "01112026", &day, &e));
    assert_true(date_pattern_compile("%m/%d/%y", &p, &e));
    assert_true(date_pattern_read(&p, "1/1/26", &day, &e));
    char out[32];
    assert_false(date_pattern_write(&p, (struct civil){.year = 2070, .month = 1, .day = 1}, out,
                                    sizeof out, &e));
    assert_string_equal(e.code, "bad_date_pattern");
    assert_true(date_pattern_compile("%F %H:%M", &p, &e));
    assert_false(date_pattern_read(&p, "2026-01-01 24:00", &day, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_window_runs_from_the_overlap_to_yesterday_across_the_hour_that_is_missing),
        cmocka_unit_test(a_record_that_has_yesterday_asks_for_nothing),
        cmocka_unit_test(a_record_far_behind_takes_one_window_at_a_time),
        cmocka_unit_test(a_record_never_fetched_starts_with_its_history),
        cmocka_unit_test(timestamps_are_local_midnights_in_epoch_seconds),
        cmocka_unit_test(a_feed_without_date_parameters_is_always_whole),
        cmocka_unit_test(impossible_records_are_refused_with_the_field_that_is_wrong),
        cmocka_unit_test(a_span_asked_for_by_name_is_whole_days_and_moves_nothing),
        cmocka_unit_test(every_pattern_writes_what_it_reads),
        cmocka_unit_test(a_pattern_that_names_a_part_twice_or_not_at_all_is_refused),
        cmocka_unit_test(a_pattern_whose_numbers_run_together_is_refused),
        cmocka_unit_test(every_day_that_a_pattern_writes_is_read_as_itself),
        cmocka_unit_test(dates_whose_digits_run_together_need_their_zeros),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
