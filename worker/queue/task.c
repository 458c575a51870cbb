/* The task table: adding a task is one file and one line here. */
#include "queue/task.h"

#include <string.h>

#include "meter/aggregate.h"
#include "meter/audit.h"
#include "meter/parse.h"
#include "queue/ping.h"

static const struct task tasks[] = {
    {.name = "parse",
     .keeps_run = true,
     .perform = parse_perform,
     .about = parse_about,
     .summary = "fetches a record's next window of readings; without a record: of each"},
    {.name = "aggregate",
     .keeps_run = true,
     .perform = aggregate_perform,
     .about = aggregate_about,
     .summary = "sums the months that changed; with a building: its months, now"},
    {.name = "audit",
     .keeps_run = true,
     .perform = audit_perform,
     .summary =
         "holds days booked lately against KairosDB; kwargs days: booked within so many (2)"},
    {.name = "meterbeat.ping",
     .brief = true,
     .perform = ping_perform,
     .summary = "answers \"pong\""},
    {.name = "meterbeat.echo",
     .brief = true,
     .perform = echo_perform,
     .summary = "returns its arguments"},
    {.name = "meterbeat.sleep",
     .perform = sleep_perform,
     .summary = "[seconds]: does nothing for so long (diagnosis)"},
};

const struct task *task_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
        if (strcmp(tasks[i].name, name) == 0)
            return &tasks[i];
    return NULL;
}

const struct task *task_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(tasks);
    return tasks;
}

bool task_go_on(struct task_context *t, const char *progress, struct err *e)
{
    return t->host->go_on(t->host->context, progress, e);
}

bool task_should_stop(struct task_context *t)
{
    return t->host->should_stop(t->host->context);
}

bool task_begin(struct task_context *t, struct err *e)
{
    return pg_begin(t->pg, e) && (!t->run || run_fence(t->pg, t->run, e));
}

bool task_done(struct task_context *t, const char *summary, const json_t *result, struct err *e)
{
    return !t->run || run_done(t->pg, t->run, summary, result, e);
}
