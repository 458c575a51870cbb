/* Decides which ticks are due, from the schedule entries, the state of each, and now. No I/O, no
 * clock. */
#ifndef METERBEAT_SCHEDULE_SCHEDULE_H
#define METERBEAT_SCHEDULE_SCHEDULE_H

#include <stddef.h>

#include "common/base/uuid.h"
#include "common/config/settings.h"
#include "common/schedule/recurrence.h"

struct schedule; /* one thread */

/* Policy for due times that passed while no producer looked (docs/schedule.md). */
enum catch_up { CATCH_UP_NONE, CATCH_UP_ONE, CATCH_UP_ALL };

/* With catch_up none, a due time that is noticed within this time still fires. */
#define SCHEDULE_LATE_S 10
/* State that lies further in the future than this means that the clock stepped back: it is
 * discarded. */
#define SCHEDULE_STEP_S 10

struct schedule_entry {
    const struct settings_entry *settings;
    const struct timezone_rules *zone;
    enum catch_up catch_up;
    char definition[RECURRENCE_DEFINITION]; /* the fields that decide its due times */
    /* lifetime of its messages, from when they are enqueued; 0: until the next tick is due */
    int64_t expires_s;
    int64_t last_due_s; /* every due time up to here has been decided */
    int64_t next_due_s; /* the first due time after it, or INTERVAL_NEVER */
};

struct tick {
    size_t entry; /* index for schedule_entry() */
    int64_t due_s;
    int64_t expires_s; /* when its message expires */
};

/*
 * The enabled entries of s, in its order; s must outlive the schedule. Until schedule_remember, an
 * entry counts as due since 1970. False: ERR_FATAL "bad_interval", "bad_anchor", "bad_crontab",
 * "bad_expires", "no_timezone", "bad_catch_up", "bad_name", "bad_schedule"; the text names entry
 * and line.
 */
MUST_CHECK bool schedule_new(const struct settings *s, struct schedule **ret_schedule,
                             struct err *e);
void schedule_free(struct schedule *schedule);
size_t schedule_count(const struct schedule *schedule);
const struct schedule_entry *schedule_entry(const struct schedule *schedule, size_t entry);
/* The entry with that name, or NULL. */
const struct schedule_entry *schedule_find(const struct schedule *schedule, const char *name,
                                           size_t *ret_entry);

/* Restores the state of an entry: up to when everything has been decided, or the instant of its
 * first start. */
void schedule_remember(struct schedule *schedule, size_t entry, int64_t last_due_s);
/*
 * At most max ticks that are due at now_s, the most overdue entry first, the ticks of each entry in
 * time order; fewer than max means all. Their due times then count as decided, and so do those that
 * the catch-up policy skips (*ret_skipped). After a clock stepped back, due times may come up that
 * were decided before; the unique key of ticks detects that.
 */
size_t schedule_due(struct schedule *schedule, int64_t now_s, struct tick *ret_ticks, size_t max,
                    size_t *ret_skipped);
/* When the next entry is due, as of the last schedule_due; INTERVAL_NEVER if there is none. */
int64_t schedule_next_due(const struct schedule *schedule);
/* The next firings of all entries after now_s, in time order; at most max. For display. */
size_t schedule_preview(const struct schedule *schedule, int64_t now_s, struct tick *ret_ticks,
                        size_t max);
/*
 * The task id of a tick: the same on every machine that has the installation's key, and
 * unpredictable for anyone else before the tick is enqueued. key: at most SCHEDULE_KEY - 1 bytes
 * are used.
 */
#define SCHEDULE_KEY 128
void schedule_task_id(const char *key, const struct schedule_entry *entry, int64_t due_s,
                      char text[UUID_TEXT]);

#endif
