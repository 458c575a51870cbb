/* Tasks without effects: to see that workers are alive and that messages arrive as they were sent.
 */
#include "worker/ping.h"

#include <time.h>

#include "common/base/clock.h"

#define SLEEP_MAX_S 3600
#define SLEEP_STEP_MS 50

bool ping_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    (void)t;
    *ret_result = json_string("pong");
    return *ret_result || err_set(e, ERR_RETRY, "no_memory", "no memory for a result");
}

bool echo_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    *ret_result = json_pack("{s:O, s:O}", "args", t->message->args, "kwargs", t->message->kwargs);
    return *ret_result || err_set(e, ERR_RETRY, "no_memory", "no memory for a result");
}

static bool sleep_arguments(const struct task_message *m, int64_t *ret_ms, struct err *e)
{
    const json_t *seconds = json_array_get(m->args, 0);
    double s = json_number_value(seconds);
    if (json_array_size(m->args) != 1 || !json_is_number(seconds) ||
        !(s >= 0 && s <= SLEEP_MAX_S) || json_object_size(m->kwargs) != 0)
        return err_set(e, ERR_REJECT, "bad_arguments", "args must be [seconds], 0 to %d",
                       SLEEP_MAX_S);
    *ret_ms = (int64_t)(s * 1000);
    return true;
}

bool sleep_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    (void)ret_result;
    int64_t ms = 0, end;
    if (!sleep_arguments(t->message, &ms, e))
        return false;
    for (end = clock_mono_ms() + ms; clock_mono_ms() < end;) {
        if (!task_go_on(t, "sleeping", e))
            return false;
        int64_t left = end - clock_mono_ms();
        int64_t step = left < SLEEP_STEP_MS ? left : SLEEP_STEP_MS;
        struct timespec pause = {.tv_nsec = step > 0 ? step * 1000000 : 0};
        (void)nanosleep(&pause, NULL); /* woken early: the loop looks again */
    }
    return true;
}
