/* Remote control: how often a task may start, and for how long it may run. */
#include <math.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/control/context.h"
#include "worker/runtime/rate_limit.h"

/* --- rate ---------------------------------------------------------------------------------- */

/* A text, or a number of starts a second; into text. */
static bool rate_argument(const json_t *value, char text[STATE_RATE_TEXT])
{
    const char *given = json_string_value(value);
    text[0] = '\0';
    if (given && strlen(given) < STATE_RATE_TEXT)
        memcpy(text, given, strlen(given) + 1);
    else if (json_is_number(value) && json_number_value(value) != 0)
        snprintf(text, STATE_RATE_TEXT, "%g", json_number_value(value));
    else
        return !given && (json_is_null(value) || json_is_number(value) || json_is_false(value));
    return true;
}

static json_t *refuse_rate(const json_t *value, enum rate_fault fault)
{
    const char *given = json_string_value(value);
    const char *slash = given ? strchr(given, '/') : NULL;
    if (fault == RATE_NO_UNIT && slash)
        return context_raised("KeyError", "%.100s", slash + 1);
    return context_error(
        "Invalid rate limit string: ValueError(\"could not convert string to float: "
        "'%.*s'\")",
        given ? (int)strcspn(given, "/") : 0, given ? given : "");
}

json_t *command_rate_limit(struct control_context *p, const json_t *arguments)
{
    const json_t *value = json_object_get(arguments, "rate_limit");
    const struct task *task = context_task(p, context_text(arguments, "task_name"));
    char text[STATE_RATE_TEXT];
    double per_s = 0;
    enum rate_fault fault =
        rate_argument(value, text) ? rate_limit_parse(text, &per_s) : RATE_NO_NUMBER;
    if (fault != RATE_OK)
        return refuse_rate(value, fault);
    if (!task)
        return context_error("unknown task");
    state_set_rate(p->state, task, per_s, text);
    log_event(LOG_LEVEL_INFO, "rate_limit", "task=%s per_s=%g", task->name, per_s);
    return text[0] ? context_ok("new rate limit set successfully")
                   : context_ok("rate limit disabled successfully");
}

/* --- time ---------------------------------------------------------------------------------- */

/* Seconds, 0 for none; false: neither. */
static bool seconds_argument(const json_t *value, double *ret_s)
{
    *ret_s = json_number_value(value);
    return !value || json_is_null(value) || (json_is_number(value) && *ret_s >= 0);
}

json_t *command_time_limit(struct control_context *p, const json_t *arguments)
{
    const struct task *task = context_task(p, context_text(arguments, "task_name"));
    double soft_s, hard_s;
    if (!task)
        return context_error("unknown task");
    if (!seconds_argument(json_object_get(arguments, "soft"), &soft_s) ||
        !seconds_argument(json_object_get(arguments, "hard"), &hard_s))
        return context_raised("ValueError", "soft and hard must be seconds, 0 or more");
    state_set_limits(p->state, task, soft_s, hard_s);
    log_event(LOG_LEVEL_INFO, "time_limit", "task=%s soft_s=%g hard_s=%g", task->name, soft_s,
              hard_s);
    return context_ok("time limits set successfully");
}
