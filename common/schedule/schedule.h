/* What is due: schedule entries, what each has decided so far, and now -> ticks. No I/O, no clock.
 */
#ifndef METERBEAT_SCHEDULE_SCHEDULE_H
#define METERBEAT_SCHEDULE_SCHEDULE_H

#include <stddef.h>

#include "common/base/uuid.h"
#include "common/config/settings.h"
#include "common/schedule/recurrence.h"

struct schedule; /* one thread */

/* What to do with due times that passed while nobody looked (docs/schedule.md). */
enum catch_up { CATCH_UP_NONE, CATCH_UP_ONE, CATCH_UP_ALL };

/* With catch_up none a due time still fires when it is seen so late. */
#define SCHEDULE_LATE_S 10
/* Memory further in the future than this means that the clock stepped back: it is forgotten. */
#define SCHEDULE_STEP_S 10

struct schedule_entry {
    const struct settings_entry *settings;
    const struct timezone_rules *zone;
    enum catch_up catch_up;
    char definition[RECURRENCE_DEFINITION]; /* what decides its due times */
    int64_t expires_s;  /* how long its messages are of use, from when they are promised; 0: until
                           the next tick is due */
    int64_t last_due_s; /* every due time up to here is decided */
    int64_t next_due_s; /* the first after it, or INTERVAL_NEVER */
};

struct tick {
    size_t entry; /* index for schedule_entry() */
    int64_t due_s;
    int64_t expires_s; /* from then on its message is of no use */
};

/*
 * The enabled entries of s, in its order, which must outlive the schedule. Until schedule_remember
 * an entry is due from the year 1970 on. False: ERR_FATAL "bad_interval", "bad_anchor",
 * "bad_crontab", "bad_expires", "no_timezone", "bad_catch_up", "bad_name", "bad_schedule", the text
 * names entry and line.
 */
MUST_CHECK bool schedule_new(const struct settings *s, struct schedule **ret_schedule,
                             struct err *e);
void schedule_free(struct schedule *schedule);
size_t schedule_count(const struct schedule *schedule);
const struct schedule_entry *schedule_entry(const struct schedule *schedule, size_t entry);
/* The entry named so, or NULL. */
const struct schedule_entry *schedule_find(const struct schedule *schedule, const char *name,
                                           size_t *ret_entry);

/* Tells an entry what was decided before: its memory, or the instant of its first start. */
void schedule_remember(struct schedule *schedule, size_t entry, int64_t last_due_s);
/*
 * At most max ticks due at now_s, most overdue entry first, each entry's in order of time; fewer
 * than max: that was all. Their due times count as decided afterwards, and so do those that the
 * catch-up policy passes over (*ret_skipped). After a clock stepped back due times come up that may
 * have been decided before: the unique key of ticks tells.
 */
size_t schedule_due(struct schedule *schedule, int64_t now_s, struct tick *ret_ticks, size_t max,
                    size_t *ret_skipped);
/* When the next entry is due, as of the last schedule_due; INTERVAL_NEVER for an empty schedule. */
int64_t schedule_next_due(const struct schedule *schedule);
/* The next firings over all entries after now_s, in order of time; at most max. For people. */
size_t schedule_preview(const struct schedule *schedule, int64_t now_s, struct tick *ret_ticks,
                        size_t max);
/* The task id of a tick: the same on every machine that knows the installation's key, and known to
 * nobody else before it is promised. key: at most SCHEDULE_KEY - 1 bytes count. */
#define SCHEDULE_KEY 128
void schedule_task_id(const char *key, const struct schedule_entry *entry, int64_t due_s,
                      char text[UUID_TEXT]);

#endif
