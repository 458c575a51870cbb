/* What a parse decides at its edges: when an accepted request is asked again, where a checkpoint
 * goes on, and what success moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/ingest/async_request.h"
#include "worker/ingest/checkpoint.h"
#include "worker/ingest/commit.h"

static struct task_context task = {.now_ms = INT64_C(1767225600000)};

static struct ingest_request asking(void)
{
    return (struct ingest_request){
        .task = &task,
        .record = {.id = 7, .active = true},
        .source = {.has_custodian = true,
                   .custodian = {.poll_s = 60, .poll_max_s = 3600, .pending_limit_s = 86400}},
        .next = {.window = {.from_s = 100, .to_s = 200, .moves = true, .behind = true}}};
}

/* --- accepted requests --- */

static void a_first_202_is_asked_again_after_the_first_pause_where_it_said(void **state)
{
    (void)state;
    const struct ingest_request r = asking();
    const struct pending p = async_request_next(&r, "https://c.example/poll", 0);
    assert_string_equal(p.poll_url, "https://c.example/poll");
    assert_int_equal(p.record_id, 7);
    assert_int_equal(p.from_s, 100);
    assert_int_equal(p.to_s, 200);
    assert_int_equal(p.asked_s, 1767225600);
    assert_int_equal(p.polls, 1);
    assert_int_equal(p.next_poll_in_s, 60);
    assert_int_equal(p.deadline_in_s, 86400);
}

static void
later_ones_wait_longer_where_the_first_said_and_as_long_as_the_custodian_says(void **state)
{
    (void)state;
    struct ingest_request r = asking();
    r.next.pending = async_request_next(&r, "https://c.example/poll", 0);
    r.next.is_pending = true;
    r.next.pending.poll_url = (char *)"https://c.example/first";
    struct pending p = async_request_next(&r, "https://c.example/other", 0);
    assert_string_equal(p.poll_url, "https://c.example/first");
    assert_int_equal(p.polls, 2);
    assert_int_equal(p.next_poll_in_s, 120);
    p = async_request_next(&r, "https://c.example/other", 900);
    assert_int_equal(p.next_poll_in_s, 900);
}

static void after_the_custodians_limit_nothing_is_asked_again(void **state)
{
    (void)state;
    struct ingest_request r = asking();
    r.next.pending = async_request_next(&r, "https://c.example/poll", 0);
    r.next.is_pending = true;
    r.next.pending.deadline_in_s = 1;
    assert_int_equal(async_request_next(&r, "", 0).next_poll_in_s, 1);
    r.next.pending.deadline_in_s = 0;
    assert_null(async_request_next(&r, "https://c.example/poll", 0).poll_url);
}

static void what_is_pending_is_not_asked_for_before_it_is_due(void **state)
{
    (void)state;
    struct ingest_request r = asking();
    struct err e = {0};
    assert_true(async_request_is_due(&r, &e));
    r.next.is_pending = true;
    r.next.pending.next_poll_in_s = 45;
    assert_false(async_request_is_due(&r, &e));
    assert_int_equal(e.kind, ERR_NOT_NOW);
    assert_int_equal(e.retry_after_s, 45);
    r.next.pending.next_poll_in_s = 0;
    assert_true(async_request_is_due(&r, &e));
}

/* --- checkpoints --- */

static struct checkpoint some_checkpoint(void)
{
    return (struct checkpoint){.fingerprint = "4711",
                               .from = {.series_id = 12, .from_s = 1767225600},
                               .covered_end_s = 1767225000,
                               .points = 96,
                               .costs = 4,
                               .months = 2};
}

static void a_checkpoint_comes_back_as_it_was_kept(void **state)
{
    (void)state;
    const struct checkpoint c = some_checkpoint();
    struct checkpoint back;
    json_t *json = checkpoint_json(&c);
    assert_true(checkpoint_read(json, &back));
    assert_string_equal(back.fingerprint, "4711");
    assert_int_equal(back.from.series_id, 12);
    assert_int_equal(back.from.from_s, 1767225600);
    assert_int_equal(back.covered_end_s, 1767225000);
    assert_int_equal(back.points, 96);
    assert_int_equal(back.costs, 4);
    assert_int_equal(back.months, 2);
    json_object_del(json, "covered_end");
    assert_false(checkpoint_read(json, &back));
    json_decref(json);
}

static void a_checkpoint_counts_only_while_the_feed_says_the_same(void **state)
{
    (void)state;
    const struct checkpoint c = some_checkpoint();
    assert_int_equal(checkpoint_take_up(&c, "4711").points, 96);
    const struct checkpoint fresh = checkpoint_take_up(&c, "4712");
    assert_string_equal(fresh.fingerprint, "4712");
    assert_int_equal(fresh.from.series_id, 0);
    assert_int_equal(fresh.points, 0);
    assert_int_equal(fresh.months, 0);
}

/* --- what success moves --- */

static void a_last_window_without_readings_moves_nothing(void **state)
{
    (void)state;
    struct ingest_request r = asking();
    struct ingest_result result = {.series = 0};
    assert_true(ingest_moves(&r, &result)); /* an old one does: there are none */
    r.next.window.reaches_now = true;
    assert_false(ingest_moves(&r, &result));
    result.counts.readings = 1;
    assert_true(ingest_moves(&r, &result));
    r.next.window.moves = false;
    assert_false(ingest_moves(&r, &result));
}

static void the_next_window_follows_while_an_active_record_is_behind(void **state)
{
    (void)state;
    struct ingest_request r = asking();
    const struct ingest_result result = {.counts = {.readings = 1}};
    assert_true(ingest_goes_on(&r, &result));
    r.record.active = false;
    assert_false(ingest_goes_on(&r, &result));
    r.record.active = true;
    r.next.window.behind = false;
    assert_false(ingest_goes_on(&r, &result));
}

static void the_summary_names_what_was_left_out_and_only_then(void **state)
{
    (void)state;
    const struct ingest_request r = asking();
    struct ingest_result result = {.counts = {.readings = 96, .repeated = 2}, .points = 94};
    char text[RESULT_SUMMARY];
    result_summary(&r, &result, text);
    assert_non_null(strstr(text, "96 readings of 0 series; 94 to KairosDB"));
    assert_non_null(strstr(text, "repeated 2"));
    assert_null(strstr(text, "not stored"));
    snprintf(result.unresolved, sizeof result.unresolved, "no_meter: 1 series, 2 readings");
    result_summary(&r, &result, text);
    assert_non_null(strstr(text, "; not stored: no_meter: 1 series, 2 readings"));
    json_t *json = result_json(&r, &result);
    assert_int_equal(json_integer_value(json_object_get(json, "readings")), 96);
    assert_int_equal(json_integer_value(json_object_get(json, "points")), 94);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_202_is_asked_again_after_the_first_pause_where_it_said),
        cmocka_unit_test(
            later_ones_wait_longer_where_the_first_said_and_as_long_as_the_custodian_says),
        cmocka_unit_test(after_the_custodians_limit_nothing_is_asked_again),
        cmocka_unit_test(what_is_pending_is_not_asked_for_before_it_is_due),
        cmocka_unit_test(a_checkpoint_comes_back_as_it_was_kept),
        cmocka_unit_test(a_checkpoint_counts_only_while_the_feed_says_the_same),
        cmocka_unit_test(a_last_window_without_readings_moves_nothing),
        cmocka_unit_test(the_next_window_follows_while_an_active_record_is_behind),
        cmocka_unit_test(the_summary_names_what_was_left_out_and_only_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
