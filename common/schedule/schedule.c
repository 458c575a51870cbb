/* Entries on a heap by their next due time; catch-up policies decide what of the past still fires.
 */
#include "common/schedule/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#define MAX_NAME                                                                                   \
    200 /* bytes of an entry's name: it is a key in PostgreSQL and in every log line               \
         */

struct schedule {
    size_t count;
    struct schedule_entry *entries;
    struct recurrence *recurrences; /* of the entry with the same index */
    size_t *heap;                   /* entry indexes, the one due first on top */
    size_t *by_name;                /* entry indexes in order of their names */
    struct timezone_rules **zones;  /* each loaded once */
    size_t zones_count;
    int64_t catch_up_limit;
    int64_t seen_s;   /* the latest `now` */
    bool memory_told; /* since then: it may be ahead of the clock */
};

/* --- what recurs when ----------------------------------------------------------------------------
 */

static int64_t next_after(const struct schedule *sch, size_t entry, int64_t utc_s)
{
    return recurrence_next_after(&sch->recurrences[entry], sch->entries[entry].zone, utc_s);
}

static int64_t latest_at(const struct schedule *sch, size_t entry, int64_t utc_s)
{
    return recurrence_latest_at(&sch->recurrences[entry], sch->entries[entry].zone, utc_s);
}

static int64_t count_between(const struct schedule *sch, size_t entry, int64_t after_s,
                             int64_t until_s)
{
    return recurrence_count(&sch->recurrences[entry], sch->entries[entry].zone, after_s, until_s);
}

/*
 * A message is of no use once the next tick of its entry is due; under catch-up all, once as many
 * are due as would be caught up. So never more than that many wait while no worker runs. An entry
 * that says how long counts from now, as Celery does: a tick that is caught up has its time too.
 */
static int64_t expiry(const struct schedule *sch, size_t entry, int64_t due_s, int64_t now_s)
{
    if (sch->entries[entry].expires_s)
        return now_s + sch->entries[entry].expires_s;
    int64_t ticks = sch->entries[entry].catch_up == CATCH_UP_ALL ? sch->catch_up_limit : 1;
    for (; ticks > 0 && due_s != INTERVAL_NEVER; ticks--)
        due_s = next_after(sch, entry, due_s);
    return due_s;
}

/* --- the heap ------------------------------------------------------------------------------------
 */

static bool due_before(const struct schedule *sch, size_t a, size_t b)
{
    int64_t due_a = sch->entries[a].next_due_s, due_b = sch->entries[b].next_due_s;
    return due_a < due_b || (due_a == due_b && a < b);
}

static void heap_sift_down(struct schedule *sch, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1, first = at;
        for (size_t c = child; c < child + 2 && c < sch->count; c++)
            if (due_before(sch, sch->heap[c], sch->heap[first]))
                first = c;
        if (first == at)
            return;
        size_t moved = sch->heap[at];
        sch->heap[at] = sch->heap[first];
        sch->heap[first] = moved;
        at = first;
    }
}

static void heap_rebuild(struct schedule *sch)
{
    for (size_t i = sch->count; i-- > 0;)
        heap_sift_down(sch, i);
}

/* The entry on top has decided everything up to last_due_s. */
static void advance_top(struct schedule *sch, int64_t last_due_s)
{
    struct schedule_entry *entry = &sch->entries[sch->heap[0]];
    entry->last_due_s = last_due_s;
    entry->next_due_s = next_after(sch, sch->heap[0], last_due_s);
    heap_sift_down(sch, 0);
}

/* --- from the settings
 * ---------------------------------------------------------------------------- */

static const char *or_else(const char *text, const char *otherwise)
{
    return text && text[0] ? text : otherwise;
}

static bool zone_of(struct schedule *sch, const char *name, const struct timezone_rules **ret_zone,
                    struct err *e)
{
    for (size_t i = 0; i < sch->zones_count; i++) {
        if (strcmp(timezone_name(sch->zones[i]), name) == 0) {
            *ret_zone = sch->zones[i];
            return true;
        }
    }
    if (!timezone_load(name, &sch->zones[sch->zones_count], e))
        return false;
    *ret_zone = sch->zones[sch->zones_count++];
    return true;
}

static bool catch_up_parse(const char *word, enum catch_up *ret_catch_up, struct err *e)
{
    static const char *const words[] = {"none", "one", "all"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_catch_up = (enum catch_up)i;
            return true;
        }
    }
    return err_set(e, ERR_FATAL, "bad_catch_up", "catch_up is none, one or all, not \"%.40s\"",
                   word);
}

static bool expires_parse(const char *text, int64_t *ret_expires_s, struct err *e)
{
    *ret_expires_s = 0;
    if (!text || !text[0])
        return true;
    struct err why = {0};
    return interval_seconds(text, ret_expires_s, &why) ||
           err_set(e, ERR_FATAL, "bad_expires", "expires: %s", why.text);
}

static bool entry_read(struct schedule *sch, size_t index, const struct settings *s,
                       const struct settings_entry *from, struct err *e)
{
    struct schedule_entry *entry = &sch->entries[index];
    entry->settings = from;
    if (strlen(from->name) > MAX_NAME)
        return err_set(e, ERR_FATAL, "bad_name", "the name is longer than %d bytes", MAX_NAME);
    if (!recurrence_parse(from, &sch->recurrences[index], e) ||
        !zone_of(sch, or_else(from->timezone, or_else(s->timezone, "UTC")), &entry->zone, e) ||
        !expires_parse(from->expires, &entry->expires_s, e) ||
        !catch_up_parse(or_else(from->catch_up, "one"), &entry->catch_up, e))
        return false;
    recurrence_define(from, entry->zone, entry->definition);
    schedule_remember(sch, index, -1);
    return true;
}

static bool entries_read(struct schedule *sch, const struct settings *s, struct err *e)
{
    for (size_t i = 0; i < s->entries_count; i++) {
        const struct settings_entry *from = &s->entries[i];
        if (!from->enabled)
            continue;
        if (!entry_read(sch, sch->count, s, from, e))
            return err_wrap(e, "%s:%d: schedule entry \"%.*s\"", or_else(from->file, "settings"),
                            from->line, MAX_NAME, from->name);
        sch->count++;
    }
    return true;
}

static int compare_names(const void *a, const void *b, void *schedule)
{
    const struct schedule *sch = schedule;
    return strcmp(sch->entries[*(const size_t *)a].settings->name,
                  sch->entries[*(const size_t *)b].settings->name);
}

/* Fills the heap and the order of names. */
static bool entries_order(struct schedule *sch, struct err *e)
{
    for (size_t i = 0; i < sch->count; i++)
        sch->heap[i] = sch->by_name[i] = i;
    heap_rebuild(sch);
    qsort_r(sch->by_name, sch->count, sizeof *sch->by_name, compare_names, sch);
    for (size_t i = 1; i < sch->count; i++)
        if (compare_names(&sch->by_name[i - 1], &sch->by_name[i], sch) == 0)
            return err_set(e, ERR_FATAL, "bad_schedule", "two schedule entries are named \"%.*s\"",
                           MAX_NAME, sch->entries[sch->by_name[i]].settings->name);
    return true;
}

static struct schedule *schedule_allocate(size_t most)
{
    struct schedule *sch = calloc(1, sizeof *sch);
    if (!sch)
        return NULL;
    most = most ? most : 1;
    sch->entries = calloc(most, sizeof *sch->entries);
    sch->recurrences = calloc(most, sizeof *sch->recurrences);
    sch->heap = calloc(most, sizeof *sch->heap);
    sch->by_name = calloc(most, sizeof *sch->by_name);
    sch->zones = calloc(most, sizeof *sch->zones);
    sch->seen_s = INT64_MIN;
    if (sch->entries && sch->recurrences && sch->heap && sch->by_name && sch->zones)
        return sch;
    schedule_free(sch);
    return NULL;
}

bool schedule_new(const struct settings *s, struct schedule **ret_schedule, struct err *e)
{
    struct schedule *sch = schedule_allocate(s->entries_count);
    if (!sch)
        return err_set(e, ERR_FATAL, "no_memory", "a schedule of %zu entries", s->entries_count);
    sch->catch_up_limit = s->producer.catch_up_limit > 0 ? s->producer.catch_up_limit : 1;
    if (!entries_read(sch, s, e) || !entries_order(sch, e)) {
        schedule_free(sch);
        return false;
    }
    *ret_schedule = sch;
    return true;
}

void schedule_free(struct schedule *sch)
{
    if (!sch)
        return;
    for (size_t i = 0; i < sch->zones_count; i++)
        timezone_free(sch->zones[i]);
    free(sch->entries);
    free(sch->recurrences);
    free(sch->heap);
    free(sch->by_name);
    free(sch->zones);
    free(sch);
}

size_t schedule_count(const struct schedule *sch)
{
    return sch->count;
}

const struct schedule_entry *schedule_entry(const struct schedule *sch, size_t entry)
{
    return &sch->entries[entry];
}

const struct schedule_entry *schedule_find(const struct schedule *sch, const char *name,
                                           size_t *ret_entry)
{
    size_t low = 0, high = sch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t entry = sch->by_name[middle];
        int order = strcmp(name, sch->entries[entry].settings->name);
        if (order == 0) {
            *ret_entry = entry;
            return &sch->entries[entry];
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* --- what is due
 * ----------------------------------------------------------------------------------- */

static void set_memory(struct schedule *sch, size_t entry, int64_t last_due_s)
{
    sch->entries[entry].last_due_s = last_due_s;
    sch->entries[entry].next_due_s = next_after(sch, entry, last_due_s);
}

void schedule_remember(struct schedule *sch, size_t entry, int64_t last_due_s)
{
    set_memory(sch, entry, last_due_s);
    sch->memory_told = true; /* schedule_due puts the heap in order */
}

/*
 * Brings the memory in line with the clock. After a step back, entries that had come further than
 * now start again from now: waiting until the clock has caught up would be a stall, and the due
 * times that come up a second time are told apart by the unique key of ticks.
 */
static void meet_clock(struct schedule *sch, int64_t now_s)
{
    bool stepped_back = sch->memory_told || now_s + SCHEDULE_STEP_S < sch->seen_s;
    sch->seen_s = now_s;
    if (!stepped_back)
        return;
    sch->memory_told = false;
    for (size_t i = 0; i < sch->count; i++)
        if (sch->entries[i].last_due_s > now_s + SCHEDULE_STEP_S)
            set_memory(sch, i, now_s);
    heap_rebuild(sch);
}

/* Of the due times after the entry's memory and up to latest_s, the first that still fires;
 * INTERVAL_NEVER when none does. */
static int64_t first_to_fire(const struct schedule *sch, size_t entry, int64_t latest_s,
                             int64_t now_s)
{
    const struct schedule_entry *e = &sch->entries[entry];
    if (e->catch_up == CATCH_UP_NONE && now_s - latest_s > SCHEDULE_LATE_S)
        return INTERVAL_NEVER;
    int64_t first_s = latest_s;
    if (e->catch_up != CATCH_UP_ALL)
        return first_s;
    for (int64_t more = sch->catch_up_limit - 1; more > 0; more--) {
        int64_t before_s = latest_at(sch, entry, first_s - 1);
        if (before_s <= e->last_due_s || before_s >= first_s)
            break;
        first_s = before_s;
    }
    return first_s;
}

/* The ticks of the entry on top of the heap; moves it on. */
static size_t top_due(struct schedule *sch, int64_t now_s, struct tick *ret_ticks, size_t max,
                      size_t *skipped)
{
    size_t entry = sch->heap[0], n = 0;
    int64_t latest_s = latest_at(sch, entry, now_s);
    int64_t due_s = first_to_fire(sch, entry, latest_s, now_s);
    int64_t passed_over_until_s = due_s == INTERVAL_NEVER ? latest_s : due_s - 1;
    *skipped +=
        (size_t)count_between(sch, entry, sch->entries[entry].last_due_s, passed_over_until_s);
    int64_t decided_s = latest_s;
    for (; due_s <= latest_s && n < max; due_s = next_after(sch, entry, due_s)) {
        ret_ticks[n++] = (struct tick){entry, due_s, expiry(sch, entry, due_s, now_s)};
        decided_s = due_s;
    }
    advance_top(sch, decided_s);
    return n;
}

size_t schedule_due(struct schedule *sch, int64_t now_s, struct tick *ret_ticks, size_t max,
                    size_t *ret_skipped)
{
    size_t n = 0;
    *ret_skipped = 0;
    meet_clock(sch, now_s);
    while (n < max && schedule_next_due(sch) <= now_s)
        n += top_due(sch, now_s, ret_ticks + n, max - n, ret_skipped);
    return n;
}

int64_t schedule_next_due(const struct schedule *sch)
{
    return sch->count ? sch->entries[sch->heap[0]].next_due_s : INTERVAL_NEVER;
}

/* --- for people
 * -------------------------------------------------------------------------------------- */

size_t schedule_preview(const struct schedule *schedule, int64_t now_s, struct tick *ret_ticks,
                        size_t max)
{
    struct schedule *sch = schedule_allocate(schedule->count);
    if (!sch)
        return 0;
    sch->count = schedule->count;
    sch->catch_up_limit = schedule->catch_up_limit;
    memcpy(sch->entries, schedule->entries, sch->count * sizeof *sch->entries);
    memcpy(sch->recurrences, schedule->recurrences, sch->count * sizeof *sch->recurrences);
    for (size_t i = 0; i < sch->count; i++) {
        sch->heap[i] = i;
        set_memory(sch, i, now_s);
    }
    heap_rebuild(sch);
    size_t n = 0;
    for (; n < max && schedule_next_due(sch) != INTERVAL_NEVER; n++) {
        size_t entry = sch->heap[0];
        int64_t due_s = sch->entries[entry].next_due_s;
        ret_ticks[n] = (struct tick){entry, due_s, expiry(sch, entry, due_s, due_s)};
        advance_top(sch, due_s);
    }
    schedule_free(sch);
    return n;
}

void schedule_task_id(const char *key, const struct schedule_entry *entry, int64_t due_s,
                      char text[UUID_TEXT])
{
    char name[SCHEDULE_KEY + 1 + MAX_NAME + 1 + CLOCK_TEXT], due[CLOCK_TEXT];
    snprintf(name, sizeof name, "%.*s/%s@%s", SCHEDULE_KEY - 1, key, entry->settings->name,
             clock_format_utc(due_s * 1000, due));
    uuid5_of_name(name, text);
}
