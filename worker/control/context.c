/* What the commands of remote control share: arguments read, answers put together. */
#include "worker/control/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/celery/task_message.h"

#define TEXT_MAX 4096
#define REPR_MAX 2048

/* --- answers ------------------------------------------------------------------------------- */

static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *answer(const char *key, const char *format, va_list values) PRINTF_LIKE(2, 0);
static json_t *answer(const char *key, const char *format, va_list values)
{
    char text[TEXT_MAX];
    (void)vsnprintf(text, sizeof text, format, values);
    return json_pack("{s:o}", key, text_value(text));
}

json_t *context_ok(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    json_t *ok = answer("ok", format, values);
    va_end(values);
    return ok;
}

json_t *context_error(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    json_t *error = answer("error", format, values);
    va_end(values);
    return error;
}

char *context_repr(const json_t *value)
{
    return task_message_python_repr(value, REPR_MAX);
}

json_t *context_raised(const char *exception, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    json_t *value = text_value(text);
    char *repr = value ? context_repr(value) : NULL;
    json_t *raised = repr ? context_error("%s(%s)", exception, repr) : NULL;
    json_decref(value);
    free(repr);
    return raised;
}

/* --- arguments ----------------------------------------------------------------------------- */

const char *context_text(const json_t *arguments, const char *name)
{
    return json_string_value(json_object_get(arguments, name));
}

bool context_flag(const json_t *arguments, const char *name)
{
    const json_t *value = json_object_get(arguments, name);
    return json_is_true(value) || (json_is_number(value) && json_number_value(value) != 0) ||
           json_string_length(value) > 0 || json_array_size(value) > 0 ||
           json_object_size(value) > 0;
}

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    const json_t *value;
    json_array_foreach((json_t *)list, i, value) {
        if (strcmp(json_string_value(value), text) == 0)
            return true;
    }
    return false;
}

json_t *context_texts(const json_t *value)
{
    json_t *list = json_array();
    size_t i, seen = 0;
    const json_t *one;
    if (list && json_is_string(value))
        (void)json_array_append(list, (json_t *)value);
    json_array_foreach((json_t *)value, i, one) {
        /* twice is no harm: only a short list is looked through for it */
        bool known = seen < 1000 && json_is_string(one) && has_text(list, json_string_value(one));
        if (json_is_string(one) && !known && json_array_append(list, (json_t *)one) == 0)
            seen++;
    }
    return list;
}

void context_learn_revoked(const struct settings *s, struct state *st, const json_t *revoked)
{
    size_t i;
    const char *id;
    const json_t *value;
    if (strcmp(s->worker.remote_control, "all") != 0)
        return;
    json_array_foreach((json_t *)revoked, i, value) {
        if (json_is_string(value))
            (void)state_revoke(st, json_string_value(value), NULL); /* what is no id is not kept */
    }
    json_object_foreach((json_t *)revoked, id, value) {
        (void)state_revoke(st, id, NULL);
    }
}

const struct task *context_task(const struct control_context *p, const char *name)
{
    return name ? task_find(settings_task_name(p->settings, name)) : NULL;
}
