/* The task table: adding a task is one file and one line here. */
#include "queue/task.h"

#include <string.h>

#include "queue/ping.h"

static const struct task tasks[] = {
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
