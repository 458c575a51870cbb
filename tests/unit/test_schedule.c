/* The schedule: what is due, what of the past is caught up, and what a stepping clock may not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/schedule/schedule.h"

#define MAX_TICKS 4096
#define T0 INT64_C(1772323200) /* 2026-03-01T00:00:00Z */

static struct tick ticks[MAX_TICKS];
static size_t skipped;

static struct settings_entry entry(const char *name, const char *every, const char *catch_up)
{
    return (struct settings_entry){.name = name,
                                   .task = "parse",
                                   .every = every,
                                   .timezone = "",
                                   .catch_up = catch_up,
                                   .enabled = true,
                                   .file = "m.conf",
                                   .line = 12};
}

static struct schedule *make(struct settings_entry *entries, size_t count)
{
    struct settings s = {.entries = entries, .entries_count = count, .timezone = "UTC"};
    s.producer.catch_up_limit = 5;
    struct schedule *sch = NULL;
    struct err e = {0};
    if (!schedule_new(&s, &sch, &e))
        fail_msg("%s", e.text);
    return sch;
}

static struct schedule *one_entry(const char *every, const char *catch_up, int64_t last_due_s)
{
    static struct settings_entry only;
    only = entry("only", every, catch_up);
    struct schedule *sch = make(&only, 1);
    schedule_remember(sch, 0, last_due_s);
    return sch;
}

static size_t due(struct schedule *sch, int64_t now_s)
{
    return schedule_due(sch, now_s, ticks, MAX_TICKS, &skipped);
}

/* --- in step with the clock ----------------------------------------------------------------------
 */

static void an_entry_is_due_on_its_grid_and_not_before(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("10s", "one", T0 + 3);
    assert_int_equal(due(sch, T0 + 9), 0);
    assert_int_equal(schedule_next_due(sch), T0 + 10);
    assert_int_equal(due(sch, T0 + 10), 1);
    assert_int_equal(ticks[0].due_s, T0 + 10);
    assert_int_equal(due(sch, T0 + 10), 0);
    assert_int_equal(schedule_next_due(sch), T0 + 20);
    schedule_free(sch);
}

static void being_late_each_time_does_not_move_the_grid(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("10s", "one", T0);
    for (int k = 1; k < 1000; k++) {
        assert_int_equal(due(sch, T0 + 10 * k + k % 9), 1);
        assert_int_equal(ticks[0].due_s, T0 + 10 * k);
    }
    schedule_free(sch);
}

static void a_message_expires_when_the_next_tick_is_due(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1mo", "one", T0 - 1);
    assert_int_equal(due(sch, T0), 1);
    assert_int_equal(ticks[0].expires_s, T0 + 31 * 86400);
    schedule_free(sch);
}

static void a_tick_has_the_same_task_id_wherever_it_is_made(void **state)
{
    (void)state;
    struct settings_entry entries[] = {entry("a", "10s", "one"), entry("b", "10s", "one")};
    struct schedule *sch = make(entries, 2);
    char first[UUID_TEXT], again[UUID_TEXT], later[UUID_TEXT], other[UUID_TEXT], keyed[UUID_TEXT];
    schedule_task_id("key", schedule_entry(sch, 0), T0, first);
    schedule_task_id("key", schedule_entry(sch, 0), T0, again);
    schedule_task_id("key", schedule_entry(sch, 0), T0 + 10, later);
    schedule_task_id("key", schedule_entry(sch, 1), T0, other);
    schedule_task_id("another key", schedule_entry(sch, 0), T0, keyed);
    assert_string_not_equal(first, keyed);
    assert_string_equal(first, again);
    assert_string_not_equal(first, later);
    assert_string_not_equal(first, other);
    schedule_free(sch);
}

/* --- what passed while nobody looked
 * --------------------------------------------------------------- */

static void after_a_pause_one_tick_is_caught_up_the_latest(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "one", T0);
    assert_int_equal(due(sch, T0 + 10 * 3600 + 1800), 1);
    assert_int_equal(ticks[0].due_s, T0 + 10 * 3600);
    assert_int_equal(ticks[0].expires_s, T0 + 11 * 3600);
    assert_int_equal(skipped, 9);
    schedule_free(sch);
}

static void catch_up_none_fires_nothing_that_is_past(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "none", T0);
    assert_int_equal(due(sch, T0 + 10 * 3600 + 1800), 0);
    assert_int_equal(skipped, 10);
    assert_int_equal(schedule_next_due(sch), T0 + 11 * 3600);
    assert_int_equal(due(sch, T0 + 11 * 3600 + SCHEDULE_LATE_S), 1);
    assert_int_equal(due(sch, T0 + 12 * 3600 + SCHEDULE_LATE_S + 1), 0);
    schedule_free(sch);
}

static void catch_up_all_fires_each_in_order_within_the_limit(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "all", T0);
    assert_int_equal(due(sch, T0 + 3 * 3600), 3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(ticks[k].due_s, T0 + (k + 1) * 3600);
    assert_int_equal(skipped, 0);
    assert_int_equal(due(sch, T0 + 23 * 3600), 5);
    assert_int_equal(ticks[0].due_s, T0 + 19 * 3600);
    assert_int_equal(ticks[4].due_s, T0 + 23 * 3600);
    assert_int_equal(skipped, 15);
    schedule_free(sch);
}

static void a_caught_up_message_lives_until_as_many_are_due_as_are_caught_up(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "all", T0);
    assert_int_equal(due(sch, T0 + 8 * 3600), 5);
    assert_int_equal(ticks[0].due_s, T0 + 4 * 3600);
    assert_int_equal(ticks[0].expires_s, T0 + 9 * 3600); /* the next due time after now */
    schedule_free(sch);
}

static void ticks_that_do_not_fit_come_with_the_next_call(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "all", T0);
    size_t n = schedule_due(sch, T0 + 4 * 3600, ticks, 3, &skipped);
    assert_int_equal(n, 3);
    assert_int_equal(ticks[2].due_s, T0 + 3 * 3600);
    n = schedule_due(sch, T0 + 4 * 3600, ticks, 3, &skipped);
    assert_int_equal(n, 1);
    assert_int_equal(ticks[0].due_s, T0 + 4 * 3600);
    assert_int_equal(skipped, 0);
    schedule_free(sch);
}

static void told_its_memory_again_an_entry_offers_the_same_ticks_again(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "one", T0);
    assert_int_equal(due(sch, T0 + 3600), 1);
    schedule_remember(sch, 0, T0); /* the transaction failed */
    assert_int_equal(due(sch, T0 + 3605), 1);
    assert_int_equal(ticks[0].due_s, T0 + 3600);
    schedule_free(sch);
}

/* --- crontabs ------------------------------------------------------------------------------------
 */

static struct settings_entry crontab_entry(const char *crontab, const char *zone,
                                           const char *catch_up)
{
    struct settings_entry made = entry("only", NULL, catch_up);
    made.crontab = crontab;
    made.timezone = zone;
    return made;
}

static struct schedule *one_crontab(const char *crontab, const char *zone, const char *catch_up,
                                    int64_t last_due_s)
{
    static struct settings_entry only;
    only = crontab_entry(crontab, zone, catch_up);
    struct schedule *sch = make(&only, 1);
    schedule_remember(sch, 0, last_due_s);
    return sch;
}

static void a_crontab_is_caught_up_by_the_same_policies(void **state)
{
    (void)state;
    struct schedule *sch = one_crontab("0 4 * * *", "UTC", "one", T0);
    assert_int_equal(due(sch, T0 + 10 * 86400), 1);
    assert_int_equal(ticks[0].due_s, T0 + 9 * 86400 + 4 * 3600);
    assert_int_equal(ticks[0].expires_s, T0 + 10 * 86400 + 4 * 3600);
    assert_int_equal(skipped, 9);
    schedule_free(sch);
    sch = one_crontab("0 4 * * *", "UTC", "none", T0);
    assert_int_equal(due(sch, T0 + 10 * 86400), 0);
    assert_int_equal(skipped, 10);
    assert_int_equal(schedule_next_due(sch), T0 + 10 * 86400 + 4 * 3600);
    schedule_free(sch);
    sch = one_crontab("0 4 * * *", "UTC", "all", T0);
    assert_int_equal(due(sch, T0 + 10 * 86400), 5);
    assert_int_equal(ticks[0].due_s, T0 + 5 * 86400 + 4 * 3600);
    assert_int_equal(ticks[0].expires_s, T0 + 10 * 86400 + 4 * 3600);
    assert_int_equal(skipped, 5);
    schedule_free(sch);
}

static void several_times_in_one_gap_are_one_tick(void **state)
{
    (void)state;
    int64_t gap_s = T0 + 7 * 86400 + 7 * 3600; /* 2026-03-08, 02:00 to 03:00 in New York */
    struct schedule *sch = one_crontab("*/15 2 * * *", "America/New_York", "all", gap_s - 3600);
    assert_int_equal(due(sch, gap_s + 3600), 1);
    assert_int_equal(ticks[0].due_s, gap_s);
    assert_int_equal(skipped, 0);
    schedule_free(sch);
}

static void the_clock_stepping_an_hour_either_way_neither_stalls_nor_floods_a_crontab(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York",
                                        "Australia/Lord_Howe"};
    for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
        struct schedule *sch = one_crontab("* * * * *", zones[z], "one", T0);
        assert_int_equal(due(sch, T0 + 60), 1);
        assert_int_equal(due(sch, T0 + 3660), 1); /* an hour ahead */
        assert_int_equal(ticks[0].due_s, T0 + 3660);
        assert_int_equal(skipped, 59);
        assert_int_equal(due(sch, T0 + 119), 0); /* and back */
        assert_int_equal(due(sch, T0 + 120), 1);
        assert_int_equal(ticks[0].due_s, T0 + 120);
        assert_int_equal(due(sch, T0 - 3480), 0); /* an hour behind */
        assert_int_equal(schedule_next_due(sch), T0 - 3420);
        assert_int_equal(due(sch, T0 + 180), 1);
        assert_int_equal(ticks[0].due_s, T0 + 180);
        schedule_free(sch);
    }
}

static void an_entry_that_says_how_long_its_messages_live_counts_from_now(void **state)
{
    (void)state;
    struct settings_entry only = entry("only", "1h", "one");
    only.expires = "30s";
    struct schedule *sch = make(&only, 1);
    schedule_remember(sch, 0, T0);
    assert_int_equal(due(sch, T0 + 3600), 1);
    assert_int_equal(ticks[0].expires_s, T0 + 3630);
    assert_int_equal(due(sch, T0 + 9000), 1); /* caught up half an hour late: it has its time */
    assert_int_equal(ticks[0].due_s, T0 + 7200);
    assert_int_equal(ticks[0].expires_s, T0 + 9030);
    assert_int_equal(schedule_preview(sch, T0, ticks, 1), 1);
    assert_int_equal(ticks[0].expires_s, T0 + 3630);
    schedule_free(sch);
    only.expires = "2d"; /* longer than until the next tick */
    sch = make(&only, 1);
    schedule_remember(sch, 0, T0);
    assert_int_equal(due(sch, T0 + 3600), 1);
    assert_int_equal(ticks[0].expires_s, T0 + 3600 + 2 * 86400);
    schedule_free(sch);
}

/* --- stepping clocks
 * --------------------------------------------------------------------------------- */

static void a_clock_that_jumped_ahead_is_a_pause(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("2s", "one", T0);
    assert_int_equal(due(sch, T0 + 2), 1);
    assert_int_equal(due(sch, T0 + 3602), 1);
    assert_int_equal(ticks[0].due_s, T0 + 3602);
    assert_int_equal(skipped, 1799);
    schedule_free(sch);
}

static void after_a_wrong_hour_ahead_the_entry_goes_on_at_once(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("2s", "one", T0);
    assert_int_equal(due(sch, T0 + 3602), 1); /* wrong by an hour */
    assert_int_equal(due(sch, T0 + 3), 0);    /* put right */
    assert_int_equal(due(sch, T0 + 4), 1);
    assert_int_equal(ticks[0].due_s, T0 + 4);
    schedule_free(sch);
}

static void a_step_back_offers_no_due_time_at_or_before_the_new_now(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1h", "all", T0);
    assert_int_equal(due(sch, T0 + 5 * 3600), 5);
    assert_int_equal(due(sch, T0 + 4 * 3600), 0);
    /* This one comes up a second time: the key (entry, due time) in PostgreSQL refuses it. */
    assert_int_equal(due(sch, T0 + 5 * 3600), 1);
    schedule_free(sch);
}

static void a_step_back_leaves_slow_entries_alone(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1d", "one", T0);
    assert_int_equal(due(sch, T0 + 86400 + 7200), 1);
    assert_int_equal(due(sch, T0 + 86400 + 3600), 0);
    assert_int_equal(due(sch, T0 + 86400 + 7200), 0);
    assert_int_equal(schedule_next_due(sch), T0 + 2 * 86400);
    schedule_free(sch);
}

static void seconds_of_jitter_repeat_nothing(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1s", "one", T0);
    assert_int_equal(due(sch, T0 + 5), 1);
    assert_int_equal(due(sch, T0 + 3), 0);
    assert_int_equal(due(sch, T0 + 5), 0);
    assert_int_equal(due(sch, T0 + 6), 1);
    schedule_free(sch);
}

static void memory_from_the_future_does_not_hold_an_entry_up(void **state)
{
    (void)state;
    struct schedule *sch = one_entry("1m", "one", T0 + 365 * 86400);
    assert_int_equal(due(sch, T0), 0);
    assert_int_equal(due(sch, T0 + 60), 1);
    schedule_free(sch);
}

/* --- many entries
 * -------------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % limit;
}

/*
 * Ten simulated years of one entry: steps of random length, restarts that lose what was not told,
 * pauses. Whatever happens each due time fires at most once, and under `all` with room enough each
 * fires exactly once.
 */
static void simulate(const char *every, const char *catch_up, int64_t longest_step_s)
{
    struct schedule *sch = one_entry(every, catch_up, T0);
    struct err e = {0};
    struct interval grid;
    struct timezone_rules *utc = NULL;
    assert_true(interval_parse(every, NULL, &grid, &e) && timezone_load("UTC", &utc, &e));
    int64_t now_s = T0, last_s = T0, expected_s = interval_next_after(&grid, utc, T0);
    int64_t fired = 0, passed_over = 0, end_s = T0 + INT64_C(10) * 365 * 86400;
    while (now_s < end_s) {
        now_s += 1 + (int64_t)random_below((uint64_t)longest_step_s);
        size_t n = due(sch, now_s);
        passed_over += (int64_t)skipped;
        for (size_t i = 0; i < n; i++) {
            assert_true(ticks[i].due_s > last_s && ticks[i].due_s <= now_s);
            assert_int_equal(interval_latest_at(&grid, utc, ticks[i].due_s), ticks[i].due_s);
            if (strcmp(catch_up, "all") == 0)
                assert_int_equal(ticks[i].due_s, expected_s);
            last_s = ticks[i].due_s;
            expected_s = interval_next_after(&grid, utc, last_s);
            fired++;
        }
        if (random_below(10) == 0) { /* a restart: the books know only what fired */
            if (strcmp(catch_up, "none") == 0)
                passed_over -=
                    interval_count(&grid, utc, last_s, schedule_entry(sch, 0)->last_due_s);
            schedule_remember(sch, 0, last_s);
        }
    }
    assert_int_equal(fired + passed_over,
                     interval_count(&grid, utc, T0, schedule_entry(sch, 0)->last_due_s));
    timezone_free(utc);
    schedule_free(sch);
}

static void ten_years_of_ticks_fire_once_each_whatever_happens(void **state)
{
    (void)state;
    random_state = 2026;
    simulate("1h", "all", 4 * 3600);
    simulate("1d", "all", 4 * 86400);
    simulate("1w", "all", 20 * 86400);
    simulate("1mo", "all", 100 * 86400);
    simulate("1h", "one", 40 * 3600);
    simulate("1d", "one", 3 * 86400);
    simulate("1mo", "one", 70 * 86400);
    simulate("5m", "one", 3600);
    simulate("1h", "none", 3600);
    simulate("1d", "none", 3 * 3600);
}

static void ten_thousand_entries_are_due_in_order_and_completely(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static struct settings_entry entries[COUNT];
    static char names[COUNT][16], everies[COUNT][16];
    static int64_t fired[COUNT];
    memset(fired, 0, sizeof fired);
    random_state = 7;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "entry%zu", i);
        snprintf(everies[i], sizeof everies[i], "%us", 60 + (unsigned)random_below(600));
        entries[i] = entry(names[i], everies[i], "all");
    }
    struct schedule *sch = make(entries, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        schedule_remember(sch, i, T0);
    for (int64_t now_s = T0; now_s <= T0 + 3600; now_s++) {
        size_t n = due(sch, now_s);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(ticks[i].due_s, now_s);
            fired[ticks[i].entry]++;
        }
        assert_true(schedule_next_due(sch) > now_s);
    }
    for (size_t i = 0; i < COUNT; i++) {
        int64_t period_s = atoi(everies[i]);
        assert_int_equal(fired[i], (T0 + 3600) / period_s - T0 / period_s);
    }
    size_t index = 0;
    assert_non_null(schedule_find(sch, "entry777", &index));
    assert_int_equal(index, 777);
    assert_null(schedule_find(sch, "entry", &index));
    schedule_free(sch);
}

static void the_preview_lists_what_will_fire_over_all_entries_in_order(void **state)
{
    (void)state;
    struct settings_entry entries[] = {entry("slow", "1h", "one"), entry("fast", "20m", "one"),
                                       entry("off", "1s", "one")};
    entries[2].enabled = false;
    struct schedule *sch = make(entries, 3);
    assert_int_equal(schedule_count(sch), 2);
    assert_int_equal(schedule_preview(sch, T0, ticks, 5), 5);
    static const int64_t minutes[] = {20, 40, 60, 60, 80};
    static const char *const names[] = {"fast", "fast", "slow", "fast", "fast"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ticks[i].due_s, T0 + minutes[i] * 60);
        assert_string_equal(schedule_entry(sch, ticks[i].entry)->settings->name, names[i]);
    }
    assert_int_equal(schedule_entry(sch, 0)->last_due_s, -1); /* looking changes nothing */
    schedule_free(sch);
}

static void an_empty_schedule_is_never_due(void **state)
{
    (void)state;
    struct schedule *sch = make(NULL, 0);
    assert_int_equal(due(sch, T0), 0);
    assert_int_equal(schedule_next_due(sch), INTERVAL_NEVER);
    assert_int_equal(schedule_preview(sch, T0, ticks, 5), 0);
    schedule_free(sch);
}

/* --- what is refused
 * -------------------------------------------------------------------------------------- */

static void refuse(struct settings_entry bad, const char *code, const char *part)
{
    struct settings_entry entries[] = {entry("good", "1h", "one"), bad};
    struct settings s = {.entries = entries, .entries_count = 2, .timezone = "UTC"};
    struct schedule *sch = NULL;
    struct err e = {0};
    assert_false(schedule_new(&s, &sch, &e));
    assert_null(sch);
    assert_int_equal(e.kind, ERR_FATAL);
    assert_string_equal(e.code, code);
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

static void a_bad_entry_is_refused_by_name_and_line(void **state)
{
    (void)state;
    refuse(entry("x", "5min", "one"), "bad_interval", "m.conf:12: schedule entry \"x\": interval");
    refuse(entry("x", "5m", "some"), "bad_catch_up", "none, one or all");
    struct settings_entry bad = entry("x", "1d", "one");
    bad.anchor = "2026-02-31";
    refuse(bad, "bad_anchor", "no such day");
    bad = entry("x", "1d", "one");
    bad.timezone = "Mars/Olympus";
    refuse(bad, "no_timezone", "Mars/Olympus");
    bad = entry("x", "1d", "one");
    bad.expires = "1mo";
    refuse(bad, "bad_expires", "expires: interval \"1mo\", column 1: months and years have no");
    bad.expires = "30";
    refuse(bad, "bad_expires", "expires: interval \"30\", column 3");
    refuse(entry("good", "1d", "one"), "bad_schedule", "two schedule entries are named \"good\"");
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    refuse(entry(name, "1d", "one"), "bad_name", "longer than 200");
}

static void a_bad_crontab_is_refused_by_name_and_line(void **state)
{
    (void)state;
    refuse(crontab_entry("0 4 * *", "UTC", "one"), "bad_crontab",
           "m.conf:12: schedule entry \"only\": crontab \"0 4 * *\", column 8: five fields");
    struct settings_entry bad = crontab_entry("0 4 * * *", "UTC", "one");
    bad.every = "1d";
    refuse(bad, "bad_schedule", "one of every and crontab");
    refuse(crontab_entry("", "UTC", "one"), "bad_schedule", "one of every and crontab");
    bad = crontab_entry("0 4 * * *", "UTC", "one");
    bad.anchor = "2026-01-01";
    refuse(bad, "bad_schedule", "anchor goes with every");
}

static void the_definition_names_what_decides_the_due_times(void **state)
{
    (void)state;
    struct settings_entry daily = entry("daily", "1d", "one");
    daily.anchor = "2026-01-01T06:00";
    daily.timezone = "Europe/Berlin";
    struct schedule *sch = make(&daily, 1);
    assert_string_equal(schedule_entry(sch, 0)->definition,
                        "every=1d anchor=2026-01-01T06:00 zone=Europe/Berlin");
    schedule_free(sch);
    sch = one_crontab("0 4 * * mon-fri", "Europe/Berlin", "one", T0);
    assert_string_equal(schedule_entry(sch, 0)->definition,
                        "crontab=0 4 * * mon-fri zone=Europe/Berlin");
    schedule_free(sch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_due_on_its_grid_and_not_before),
        cmocka_unit_test(being_late_each_time_does_not_move_the_grid),
        cmocka_unit_test(a_message_expires_when_the_next_tick_is_due),
        cmocka_unit_test(a_tick_has_the_same_task_id_wherever_it_is_made),
        cmocka_unit_test(after_a_pause_one_tick_is_caught_up_the_latest),
        cmocka_unit_test(catch_up_none_fires_nothing_that_is_past),
        cmocka_unit_test(catch_up_all_fires_each_in_order_within_the_limit),
        cmocka_unit_test(a_caught_up_message_lives_until_as_many_are_due_as_are_caught_up),
        cmocka_unit_test(ticks_that_do_not_fit_come_with_the_next_call),
        cmocka_unit_test(told_its_memory_again_an_entry_offers_the_same_ticks_again),
        cmocka_unit_test(a_crontab_is_caught_up_by_the_same_policies),
        cmocka_unit_test(several_times_in_one_gap_are_one_tick),
        cmocka_unit_test(the_clock_stepping_an_hour_either_way_neither_stalls_nor_floods_a_crontab),
        cmocka_unit_test(an_entry_that_says_how_long_its_messages_live_counts_from_now),
        cmocka_unit_test(a_clock_that_jumped_ahead_is_a_pause),
        cmocka_unit_test(after_a_wrong_hour_ahead_the_entry_goes_on_at_once),
        cmocka_unit_test(a_step_back_offers_no_due_time_at_or_before_the_new_now),
        cmocka_unit_test(a_step_back_leaves_slow_entries_alone),
        cmocka_unit_test(seconds_of_jitter_repeat_nothing),
        cmocka_unit_test(memory_from_the_future_does_not_hold_an_entry_up),
        cmocka_unit_test(ten_years_of_ticks_fire_once_each_whatever_happens),
        cmocka_unit_test(ten_thousand_entries_are_due_in_order_and_completely),
        cmocka_unit_test(the_preview_lists_what_will_fire_over_all_entries_in_order),
        cmocka_unit_test(an_empty_schedule_is_never_due),
        cmocka_unit_test(a_bad_entry_is_refused_by_name_and_line),
        cmocka_unit_test(a_bad_crontab_is_refused_by_name_and_line),
        cmocka_unit_test(the_definition_names_what_decides_the_due_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
