/* `next`: which schedule entries will fire when, in their own zone and in UTC. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "common/schedule/schedule.h"

#define NEXT_MAX 10000

struct request {
    int64_t count;
};

static void check(const struct ctl *c, void *request, const struct argp_state *state)
{
    struct request *r = request;
    if (c->argument_count > 0)
        r->count = option_number(state, "N", c->arguments[0], NEXT_MAX);
}

static const struct usage usage = {
    .arguments = "[N]",
    .doc = "The next N firings (default 10) of the schedule; needs no server.",
    .most = 1,
    .check = check,
};

static void print_tick(const struct schedule *schedule, const struct tick *tick)
{
    const struct schedule_entry *entry = schedule_entry(schedule, tick->entry);
    struct civil t = timezone_civil(entry->zone, tick->due_s);
    int offset = timezone_offset(entry->zone, tick->due_s);
    char utc[CLOCK_TEXT];
    text_print(stdout, "%04d-%02d-%02d %02d:%02d:%02d %c%02d:%02d  %s  %-20s %s (%s)\n", t.year,
               t.month, t.day, t.hour, t.minute, t.second, offset < 0 ? '-' : '+',
               abs(offset) / 3600, abs(offset) / 60 % 60, clock_format_utc(tick->due_s * 1000, utc),
               entry->settings->name, entry->settings->task, timezone_name(entry->zone));
}

static int print_next(const struct settings *s, size_t count)
{
    struct schedule *schedule = NULL;
    struct err e;
    if (!schedule_new(s, &schedule, &e))
        return ctl_misused("%s", e.text);
    struct tick *ticks = calloc(count, sizeof *ticks);
    size_t found = ticks ? schedule_preview(schedule, clock_wall_ms() / 1000, ticks, count) : 0;
    if (found > 0)
        text_print(stdout, "%-26s  %-20s  %-20s task\n", "due, in the entry's zone", "in UTC",
                   "entry");
    for (size_t i = 0; i < found; i++)
        print_tick(schedule, &ticks[i]);
    if (found == 0)
        text_print(stdout, "Nothing: no entry of the schedule is enabled.\n");
    free(ticks);
    schedule_free(schedule);
    return CTL_OK;
}

int next_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {.count = 10};
    int status;
    option_parse(c, &usage, &r, argc, argv);
    if (!ctl_settings(c, &status))
        return status;
    return print_next(&c->settings, (size_t)r.count);
}
