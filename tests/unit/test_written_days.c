/* What is noted of each day while it is written, and whether KairosDB shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/ingest/written_days.h"

#define T0 INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define DAY INT64_C(86400)

static struct timezone_rules *zone;

static int load_zone(void **state)
{
    (void)state;
    struct err e;
    return timezone_load("Etc/UTC", &zone, &e) ? 0 : -1;
}

static int free_zone(void **state)
{
    (void)state;
    timezone_free(zone);
    return 0;
}

static struct written_days *begin(int64_t covered_end_s)
{
    struct written_days *w = calloc(1, sizeof *w);
    assert_non_null(w);
    written_days_begin(w, zone, covered_end_s);
    return w;
}

static struct written_day *add(struct written_days *w, int64_t start_s, int64_t length_s)
{
    const struct staging_point p = {.start_s = start_s, .length_s = length_s};
    struct written_day *day = written_days_at(w, start_s);
    assert_non_null(day);
    written_days_cover(w, day, &p);
    written_add(&day->of[VALUE], 1.5);
    return day;
}

static void readings_count_to_the_day_they_begin_in(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    add(w, T0 + DAY - 900, 1800);
    const struct written_day *second = add(w, T0 + DAY + 900, 900);
    assert_int_equal(w->count, 2);
    assert_int_equal(w->days[0].covered_s, 1800);
    assert_int_equal(second->covered_s, 900);
    assert_int_equal(second->start_s, T0 + DAY);
    assert_int_equal(second->end_s, T0 + 2 * DAY);
    free(w);
}

static void what_an_earlier_reading_covers_counts_once(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    add(w, T0, 3600);
    struct written_day *day = add(w, T0 + 1800, 3600);
    assert_int_equal(day->covered_s, 5400);
    assert_int_equal(w->overlapping, 1);
    assert_int_equal(day->gaps, 0);
    add(w, T0 + 7200, 900);
    assert_int_equal(day->gaps, 1);
    free(w);
}

static void a_second_between_two_readings_is_no_gap(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    add(w, T0, 899);
    struct written_day *day = add(w, T0 + 900, 899);
    assert_int_equal(day->gaps, 0);
    assert_int_equal(day->covered_s, 1799);
    add(w, T0 + 1801, 899); /* two seconds are */
    assert_int_equal(day->gaps, 1);
    free(w);
}

static void a_series_goes_on_from_where_its_checkpoint_was(void **state)
{
    (void)state;
    struct written_days *w = begin(T0 + 1800);
    assert_int_equal(add(w, T0, 3600)->covered_s, 1800);
    assert_int_equal(w->overlapping, 1);
    free(w);
}

static void a_stretch_ends_with_a_whole_day(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    add(w, T0, 900);
    w->points = WRITTEN_POINTS;
    assert_non_null(written_days_at(w, T0 + 900)); /* the day goes on */
    assert_null(written_days_at(w, T0 + DAY));
    written_days_clear(w);
    assert_non_null(written_days_at(w, T0 + DAY));
    free(w);
}

static void a_stretch_spans_no_more_days_than_one_answer_holds(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    add(w, T0, 900);
    assert_null(written_days_at(w, T0 + WRITTEN_DAYS * DAY));
    for (int i = 1; i < WRITTEN_DAYS; i++)
        add(w, T0 + i * DAY, 900);
    assert_int_equal(w->count, WRITTEN_DAYS);
    assert_null(written_days_at(w, T0 + WRITTEN_DAYS * DAY));
    free(w);
}

static void fewer_points_or_another_sum_are_not_what_was_written_and_more_are(void **state)
{
    (void)state;
    struct written written = {0};
    for (int i = 0; i < 4; i++)
        written_add(&written, i % 2 ? -1.5 : 1.5);
    assert_true(written_is_shown(&written, &(struct kairosdb_bucket){.count = 4, .sum = 0}));
    assert_true(written_is_shown(&written, &(struct kairosdb_bucket){.count = 4, .sum = 1e-10}));
    assert_false(written_is_shown(&written, &(struct kairosdb_bucket){.count = 4, .sum = 0.1}));
    assert_false(written_is_shown(&written, &(struct kairosdb_bucket){.count = 3, .sum = 0}));
    assert_true(written_is_shown(&written, &(struct kairosdb_bucket){.count = 5, .sum = 7}));
}

static void the_ledger_gets_what_kairosdb_shows(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    struct written_day *day = add(w, T0 + 900, 900);
    const struct kairosdb_bucket value = {.count = 1, .sum = 1.5}, cost = {.count = 0};
    struct staging_day row = written_day_row(day, zone, 7, &value, &cost);
    assert_int_equal(row.series_id, 7);
    assert_int_equal(row.readings, 1);
    assert_int_equal(row.covered_s, 900);
    assert_int_equal(row.month_s, T0);
    assert_int_equal(row.month_end_s, T0 + 31 * DAY);
    assert_false(row.is_part);
    const struct kairosdb_bucket more = {.count = 4, .sum = 6};
    row = written_day_row(day, zone, 7, &more, &cost);
    assert_true(row.is_part);
    assert_int_equal(row.readings, 4);
    assert_int_equal(row.covered_s, 3600);
    assert_int_equal(row.gaps, 1);
    const struct kairosdb_bucket too_many = {.count = 200, .sum = 6};
    row = written_day_row(day, zone, 7, &too_many, &cost);
    assert_int_equal(row.covered_s, DAY);
    assert_int_equal(row.gaps, 0);
    free(w);
}

static void coverage_of_readings_without_a_length_is_not_known(void **state)
{
    (void)state;
    struct written_days *w = begin(0);
    struct written_day *day = add(w, T0 + 900, 0);
    const struct kairosdb_bucket value = {.count = 2, .sum = 3}, cost = {.count = 0};
    const struct staging_day row = written_day_row(day, zone, 7, &value, &cost);
    assert_true(row.covered_s == STAGING_ABSENT);
    assert_int_equal(row.gaps, 0);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_count_to_the_day_they_begin_in),
        cmocka_unit_test(what_an_earlier_reading_covers_counts_once),
        cmocka_unit_test(a_second_between_two_readings_is_no_gap),
        cmocka_unit_test(a_series_goes_on_from_where_its_checkpoint_was),
        cmocka_unit_test(a_stretch_ends_with_a_whole_day),
        cmocka_unit_test(a_stretch_spans_no_more_days_than_one_answer_holds),
        cmocka_unit_test(fewer_points_or_another_sum_are_not_what_was_written_and_more_are),
        cmocka_unit_test(the_ledger_gets_what_kairosdb_shows),
        cmocka_unit_test(coverage_of_readings_without_a_length_is_not_known),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
