/* What a task is, and the tasks that this process has been told of. */
#include "worker/task/task.h"

#include <string.h>

static const struct task *registered;
static size_t registered_count;

void task_register(const struct task *tasks, size_t count)
{
    registered = tasks;
    registered_count = count;
}

const struct task *task_find(const char *name)
{
    for (size_t i = 0; i < registered_count; i++)
        if (strcmp(registered[i].name, name) == 0)
            return &registered[i];
    return NULL;
}

const struct task *task_table(size_t *ret_count)
{
    *ret_count = registered_count;
    return registered;
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
