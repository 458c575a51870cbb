/* Due times of a crontab: its wall clocks, stretch by stretch of the zone between two changes. */
#include "common/schedule/crontab_wall.h"

#define EARLIEST_S INT64_C(0)
#define LATEST_S INT64_C(221845392000) /* 9000-01-01 */
/* 1000-01-01: no zone's clocks changed before. */
#define FIRST_CHANGE_S INT64_C(-30610224000)
/* No clock change takes the wall clock further than this. */
#define LONGEST_CHANGE_S (INT64_C(48) * 3600)

/*
 * What a crontab does between two changes of the clocks: each of its wall clocks in [from_s,
 * before_s) is due, and so is the start of the stretch when one lies in the gap before it.
 */
struct stretch {
    struct timezone_stretch of;
    int64_t from_s, before_s; /* wall clocks */
    bool gap_due;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The wall clock that had been reached when the stretch began. */
static int64_t reached_before(const struct timezone_rules *zone, const struct timezone_stretch *s)
{
    struct timezone_stretch before = timezone_stretch(zone, s->start_s - 1);
    int64_t reached_s = s->start_s + before.offset_s;
    while (before.start_s > s->start_s - LONGEST_CHANGE_S) {
        int64_t end_s = before.start_s;
        before = timezone_stretch(zone, end_s - 1);
        reached_s = most(reached_s, end_s + before.offset_s);
    }
    return reached_s;
}

static struct stretch stretch_at(const struct crontab *c, const struct timezone_rules *zone,
                                 int64_t utc_s)
{
    struct stretch s = {.of = timezone_stretch(zone, utc_s)};
    s.from_s = s.of.start_s + s.of.offset_s;
    s.before_s = s.of.end_s + s.of.offset_s;
    if (s.of.start_s < FIRST_CHANGE_S)
        return s;
    int64_t reached_s = reached_before(zone, &s.of);
    s.gap_due = reached_s < s.from_s && crontab_wall_from(c, reached_s) < s.from_s;
    if (!c->runs_through)
        s.from_s = most(s.from_s, reached_s);
    return s;
}

/* The first due time of the stretch at or after utc_s; INTERVAL_NEVER for none. */
static int64_t stretch_first(const struct crontab *c, const struct stretch *s, int64_t utc_s)
{
    if (s->gap_due && utc_s <= s->of.start_s)
        return s->of.start_s;
    int64_t wall_s = crontab_wall_from(c, most(utc_s + s->of.offset_s, s->from_s));
    return wall_s < s->before_s ? wall_s - s->of.offset_s : INTERVAL_NEVER;
}

/* The last due time of the stretch at or before utc_s; -INTERVAL_NEVER for none. */
static int64_t stretch_last(const struct crontab *c, const struct stretch *s, int64_t utc_s)
{
    int64_t wall_s = crontab_wall_until(c, least(utc_s + s->of.offset_s, s->before_s - 1));
    if (wall_s >= s->from_s)
        return wall_s - s->of.offset_s;
    return s->gap_due && s->of.start_s <= utc_s ? s->of.start_s : -INTERVAL_NEVER;
}

/* How many due times of the stretch are in [first_s, until_s]. */
static int64_t stretch_count(const struct crontab *c, const struct stretch *s, int64_t first_s,
                             int64_t until_s)
{
    int64_t from_s = most(first_s + s->of.offset_s, s->from_s);
    int64_t count = crontab_wall_count(c, from_s, least(until_s + s->of.offset_s + 1, s->before_s));
    bool at_start = s->gap_due && first_s <= s->of.start_s && s->of.start_s <= until_s;
    return count + (at_start && crontab_wall_from(c, s->from_s) != s->from_s);
}

int64_t crontab_next_after(const struct crontab *c, const struct timezone_rules *zone,
                           int64_t utc_s)
{
    int64_t from_s = most(utc_s, EARLIEST_S - 1);
    while (from_s < LATEST_S) {
        struct stretch s = stretch_at(c, zone, from_s + 1);
        int64_t due_s = stretch_first(c, &s, from_s + 1);
        if (due_s != INTERVAL_NEVER)
            return due_s;
        from_s = s.of.end_s - 1;
    }
    return INTERVAL_NEVER;
}

int64_t crontab_latest_at(const struct crontab *c, const struct timezone_rules *zone, int64_t utc_s)
{
    utc_s = least(most(utc_s, EARLIEST_S), LATEST_S);
    for (;;) {
        struct stretch s = stretch_at(c, zone, utc_s);
        int64_t due_s = stretch_last(c, &s, utc_s);
        if (due_s != -INTERVAL_NEVER || s.of.start_s < FIRST_CHANGE_S)
            return due_s;
        utc_s = s.of.start_s - 1;
    }
}

int64_t crontab_count(const struct crontab *c, const struct timezone_rules *zone, int64_t after_s,
                      int64_t until_s)
{
    int64_t count = 0;
    until_s = least(until_s, LATEST_S);
    if (after_s >= until_s)
        return 0;
    int64_t first_s = most(after_s, EARLIEST_S - 1) + 1;
    while (first_s <= until_s) {
        struct stretch s = stretch_at(c, zone, first_s);
        count += stretch_count(c, &s, first_s, until_s);
        first_s = s.of.end_s;
    }
    return count;
}
