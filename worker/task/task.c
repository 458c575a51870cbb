/* What a task is, and the tasks that this process has been told of. */
#include "worker/task/task.h"

#include <string.h>
#include <time.h>

#include "common/base/clock.h"

#define SLEEP_STEP_MS 200

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

bool task_sleep(struct task_context *t, int64_t ms, const char *progress, struct err *e)
{
    for (int64_t left_ms, end_ms = clock_mono_ms() + ms;
         (left_ms = end_ms - clock_mono_ms()) > 0;) {
        int64_t step_ms = left_ms < SLEEP_STEP_MS ? left_ms : SLEEP_STEP_MS;
        if (!task_go_on(t, progress, e))
            return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = step_ms * 1000 * 1000}, NULL);
    }
    return true;
}

bool task_stop_asked(void *context)
{
    struct task_stop *s = context;
    return !task_go_on(s->task, NULL, &s->why);
}

bool task_stopped(const struct task_stop *s, struct err *e)
{
    if (s->why.kind != ERR_NONE)
        *e = s->why;
    return false;
}

bool task_begin(struct task_context *t, struct err *e)
{
    return pg_begin(t->pg, e) && (!t->run || run_fence(t->pg, t->run, e));
}

bool task_done(struct task_context *t, const char *summary, const json_t *result, struct err *e)
{
    return !t->run || run_done(t->pg, t->run, summary, result, e);
}
