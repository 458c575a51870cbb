/* Which window is asked for next: within its custodian's limits, and what is pending as it was
 * asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/ingest/next_window.h"

#define DAY INT64_C(86400)

static struct timezone_rules *zone;
static struct settings settings;

static int set_up(void **state)
{
    (void)state;
    struct err e;
    settings.feed.url_template = "";
    settings.feed.path = "";
    settings.feed.window_days = 31;
    settings.feed.overlap_days = 2;
    settings.feed.history_days = 400;
    return timezone_load("Etc/UTC", &zone, &e) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    timezone_free(zone);
    return 0;
}

static int64_t day(int month, int day)
{
    return timezone_instant(zone, (struct civil){2026, month, day, 0, 0, 0});
}

static const struct record asked = {.id = 7,
                                    .url = "https://utility.example/feed",
                                    .sub_id = "9",
                                    .time_type = "date",
                                    .date_pattern = "month/day/year",
                                    .last_date = "3/1/2026",
                                    .min_date_parameter = "min",
                                    .max_date_parameter = "max"};
static const struct record_source own = {.has_custodian = false};

static struct record_source custodian(void)
{
    return (struct record_source){
        .has_custodian = true,
        .custodian = {.style = "rest",
                      .base_url = "https://custodian.example/espi/1_1/resource",
                      .min_parameter = "published-min",
                      .max_parameter = "published-max",
                      .time_format = "epoch",
                      .max_window_days = 10},
        .subscription = {.kind = "subscription", .resource = "44"}};
}

static struct window_question next_of(const struct record_source *source, int64_t now_s)
{
    return (struct window_question){
        .settings = &settings, .zone = zone, .record = &asked, .source = source, .now_s = now_s};
}

static struct next_window decide(const struct window_question *q, const struct pending *pending)
{
    struct next_window next;
    struct err e = {0};
    if (!next_window_decide(q, pending, &next, &e))
        fail_msg("%s: %s", e.code, e.text);
    return next;
}

static void the_records_own_window_has_the_configured_length(void **state)
{
    (void)state;
    const struct window_question q = next_of(&own, day(8, 1) + 3600);
    const struct next_window next = decide(&q, NULL);
    assert_int_equal(next.window.from_s, day(2, 27));
    assert_int_equal(next.window.to_s, day(4, 1));
    assert_true(next.window.behind);
}

static void a_custodian_is_asked_for_no_more_days_than_it_answers(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    const struct window_question q = next_of(&source, day(8, 1) + 3600);
    const struct next_window next = decide(&q, NULL);
    assert_int_equal(next.window.from_s, day(2, 27));
    assert_int_equal(next.window.to_s - next.window.from_s, 10 * DAY);
    assert_false(next.is_too_long);
}

static void an_overlap_as_long_as_what_a_custodian_answers_still_leaves_a_new_day(void **state)
{
    (void)state;
    struct record_source source = custodian();
    source.custodian.max_window_days = 2;
    const struct window_question q = next_of(&source, day(8, 1));
    const struct next_window next = decide(&q, NULL);
    assert_int_equal(next.window.from_s, day(2, 28));
    assert_int_equal(next.window.to_s, day(3, 2));
}

static void nothing_newer_than_the_ceiling_is_asked_for(void **state)
{
    (void)state;
    struct record_source source = custodian();
    const struct window_question q = next_of(&source, day(3, 3) + 3600);
    assert_int_equal(decide(&q, NULL).window.to_s, day(3, 3));
    source.custodian.ceiling_s = 2 * 3600; /* the day begins two hours later */
    assert_int_equal(decide(&q, NULL).window.to_s, day(3, 2));
    source.custodian.ceiling_s = 3 * DAY;
    assert_true(decide(&q, NULL).window.nothing);
}

static void a_custodian_without_date_parameters_is_asked_for_the_whole_feed(void **state)
{
    (void)state;
    struct record_source source = custodian();
    source.custodian.min_parameter = source.custodian.max_parameter = "";
    const struct window_question q = next_of(&source, day(8, 1));
    assert_int_equal(decide(&q, NULL).window.to_s, day(8, 1));
    source.custodian.style = "record"; /* the record's parameters, not the custodian's */
    assert_int_equal(decide(&q, NULL).window.to_s, day(3, 9));
}

static void a_named_window_longer_than_a_custodian_answers_is_too_long(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    struct window_question q = next_of(&source, day(8, 1));
    q.is_named = true;
    q.from_s = day(5, 1);
    q.to_s = day(5, 11);
    assert_false(decide(&q, NULL).is_too_long);
    q.to_s++;
    assert_true(decide(&q, NULL).is_too_long);
    q.source = &own;
    assert_false(decide(&q, NULL).is_too_long);
}

static struct pending pending_of(const struct window_question *q)
{
    const struct window w = decide(q, NULL).window;
    return (struct pending){.record_id = 7,
                            .is_named = q->is_named,
                            .from_s = w.from_s,
                            .to_s = w.to_s,
                            .asked_s = q->now_s,
                            .deadline_in_s = 60,
                            .poll_url = (char *)"https://custodian.example/poll"};
}

static void what_is_pending_keeps_the_window_of_the_day_it_was_asked_on(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    struct window_question q = next_of(&source, day(3, 3) + 3600);
    const struct pending pending = pending_of(&q);
    q.now_s += 3 * DAY;
    const struct next_window next = decide(&q, &pending);
    assert_true(next.is_pending);
    assert_int_equal(next.window.to_s, day(3, 3));
    assert_string_equal(next.pending.poll_url, "https://custodian.example/poll");
}

static void what_is_pending_counts_no_more_once_the_record_stands_elsewhere(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    struct window_question q = next_of(&source, day(3, 3) + 3600);
    const struct pending pending = pending_of(&q);
    struct record moved = asked;
    moved.last_date = (char *)"2/1/2026";
    q.record = &moved;
    const struct next_window next = decide(&q, &pending);
    assert_false(next.is_pending);
    assert_int_equal(next.window.from_s, day(1, 30));
}

static void files_past_their_deadline_are_not_pending_and_a_poll_past_it_is(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    const struct window_question q = next_of(&source, day(3, 3) + 3600);
    struct pending pending = pending_of(&q);
    pending.deadline_in_s = 0;
    assert_true(decide(&q, &pending).is_pending);
    pending.urls = (char *)"[]";
    const struct next_window next = decide(&q, &pending);
    assert_false(next.is_pending);
    assert_true(next.has_expired);
    assert_null(next.pending.poll_url);
}

static void a_pending_named_window_is_never_too_long(void **state)
{
    (void)state;
    const struct record_source source = custodian();
    struct window_question q = next_of(&source, day(8, 1));
    q.is_named = true;
    q.from_s = day(5, 1);
    q.to_s = day(6, 1);
    const struct pending pending = pending_of(&q);
    const struct next_window next = decide(&q, &pending);
    assert_true(next.is_pending);
    assert_false(next.is_too_long);
}

static void url_is(const struct window_question *q, const char *expected)
{
    struct buf url = buf_make(0);
    struct err e = {0};
    const struct next_window next = decide(q, NULL);
    if (!next_window_url(q, &next.window, &url, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(url.data, expected);
    buf_free(&url);
}

static void the_url_is_the_records_or_its_custodians(void **state)
{
    (void)state;
    struct record_source source = custodian();
    struct window_question q = next_of(&own, day(3, 3));
    url_is(&q, "https://utility.example/feed9?min=2%2F27%2F2026&max=3%2F2%2F2026");
    q.source = &source;
    url_is(&q, "https://custodian.example/espi/1_1/resource/Batch/Subscription/44"
               "?published-min=1772150400&published-max=1772496000");
}

static void a_record_url_on_another_host_than_its_custodian_is_refused(void **state)
{
    (void)state;
    struct record_source source = custodian();
    source.custodian.style = "record";
    const struct window_question q = next_of(&source, day(3, 3));
    const struct next_window next = decide(&q, NULL);
    struct buf url = buf_make(0);
    struct err e = {0};
    assert_false(next_window_url(&q, &next.window, &url, &e));
    assert_string_equal(e.code, "feed_foreign_url");
    buf_free(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_records_own_window_has_the_configured_length),
        cmocka_unit_test(a_custodian_is_asked_for_no_more_days_than_it_answers),
        cmocka_unit_test(an_overlap_as_long_as_what_a_custodian_answers_still_leaves_a_new_day),
        cmocka_unit_test(nothing_newer_than_the_ceiling_is_asked_for),
        cmocka_unit_test(a_custodian_without_date_parameters_is_asked_for_the_whole_feed),
        cmocka_unit_test(a_named_window_longer_than_a_custodian_answers_is_too_long),
        cmocka_unit_test(what_is_pending_keeps_the_window_of_the_day_it_was_asked_on),
        cmocka_unit_test(what_is_pending_counts_no_more_once_the_record_stands_elsewhere),
        cmocka_unit_test(files_past_their_deadline_are_not_pending_and_a_poll_past_it_is),
        cmocka_unit_test(a_pending_named_window_is_never_too_long),
        cmocka_unit_test(the_url_is_the_records_or_its_custodians),
        cmocka_unit_test(a_record_url_on_another_host_than_its_custodian_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
