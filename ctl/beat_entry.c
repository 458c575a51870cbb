/* Celery's entry, key by key: carried over, or said to be lost. */
#include "ctl/beat_entry.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/celery/task_message.h"

#define LONGEST_S 4e9 /* above all that an interval may be */
#define TEXT 700      /* bytes of a crontab or remark */

/* What the dump writes for values that JSON has no word for. */
static const char *const mark_crontab = "__crontab__", *const mark_seconds = "__seconds__",
                         *const mark_python = "__python__";

/* --- texts --------------------------------------------------------------------------------------
 */

/* Text of list's own, which may be cut inside a character; NULL without memory. */
static const char *add_text(json_t *list, const char *text)
{
    json_t *made = json_string_nocheck(text);
    if (!made || json_array_append_new(list, made) != 0)
        return NULL;
    return json_string_value(made);
}

static bool remark(json_t *list, const char *format, ...) PRINTF_LIKE(2, 3);
static bool remark(json_t *list, const char *format, ...)
{
    char text[TEXT];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return add_text(list, text);
}

static bool remember(struct beat_entry *b, const char *text, const char **field)
{
    *field = add_text(b->texts, text);
    return *field;
}

/* JSON as one line, for a setting. */
static bool remember_json(struct beat_entry *b, const json_t *value, const char **field)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    bool ok = text && remember(b, text, field);
    free(text);
    return ok;
}

/* What a value that cannot be carried over looks like: the first marked one in it, or NULL. */
static const char *marked(const json_t *value)
{
    const char *found = NULL;
    size_t i;
    const char *key;
    json_t *part;
    const json_t *python = json_object_get(value, mark_python);
    if (python)
        return json_is_string(python) ? json_string_value(python) : "something";
    if (json_object_get(value, mark_crontab))
        return "a crontab";
    if (json_object_get(value, mark_seconds))
        return "a timedelta";
    json_array_foreach(value, i, part) {
        if (!found)
            found = marked(part);
    }
    json_object_foreach((json_t *)value, key, part) {
        if (!found)
            found = marked(part);
    }
    return found;
}

/* --- the schedule -------------------------------------------------------------------------------
 */

static bool unusable(struct beat_entry *b)
{
    b->usable = false;
    return true;
}

/* A whole number of seconds as an interval; days and weeks are those of the calendar. */
static bool take_seconds(struct beat_entry *b, double seconds)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
    char text[32];
    size_t i = 0;
    if (!(seconds >= 1 && seconds < LONGEST_S) || seconds != floor(seconds))
        return unusable(b) && remark(b->lost,
                                     "not carried over: every %g s; an interval is a whole number "
                                     "of seconds, up to 100 years",
                                     seconds);
    while ((int64_t)seconds % units[i].seconds != 0)
        i++;
    snprintf(text, sizeof text, "%" PRId64 "%s", (int64_t)seconds / units[i].seconds,
             units[i].unit);
    if (units[i].seconds >= 86400 &&
        !remark(b->notes,
                "Celery counts %s from when beat started; here it fires at local "
                "midnight%s, an anchor moves that",
                text, units[i].seconds > 86400 ? " of a Monday" : ""))
        return false;
    return remember(b, text, &b->entry.every);
}

/* Celery reads "0, 30"; here a blank ends a field. Other blanks stay, to be refused. */
static void append_field(char *text, const char *field)
{
    size_t len = strlen(text);
    field += strspn(field, " ");
    for (; *field && len < TEXT - 2; field++) {
        if (*field == ' ' && (field[1 + strspn(field + 1, " ")] == ',' ||
                              !field[strspn(field, " ")] || text[len - 1] == ','))
            continue;
        text[len++] = *field;
    }
    text[len] = '\0';
}

static bool take_crontab(struct beat_entry *b, const json_t *fields)
{
    static const char *const names[] = {"minute", "hour", "day_of_month", "month_of_year",
                                        "day_of_week"};
    char text[TEXT] = "", number[24];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *field = json_object_get(fields, names[i]);
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(field));
        if (field && !json_is_string(field) && !json_is_integer(field))
            return unusable(b) && remark(b->lost, "not carried over: its crontab's %s", names[i]);
        (void)strncat(text, i > 0 ? " " : "", TEXT - strlen(text) - 1);
        append_field(text, !field                  ? "*"
                           : json_is_string(field) ? json_string_value(field)
                                                   : number);
    }
    return remember(b, text, &b->entry.crontab);
}

static bool take_schedule(struct beat_entry *b, const json_t *schedule)
{
    const json_t *crontab = json_object_get(schedule, mark_crontab);
    const json_t *seconds = json_object_get(schedule, mark_seconds);
    if (crontab)
        return take_crontab(b, crontab);
    if (json_is_number(seconds))
        return take_seconds(b, json_number_value(seconds));
    if (json_is_number(schedule))
        return take_seconds(b, json_number_value(schedule));
    const char *python = marked(schedule);
    return unusable(b) &&
           remark(b->lost, "not carried over: %.300s; there are intervals and crontabs",
                  python ? python : "it has no schedule");
}

/* --- options ------------------------------------------------------------------------------------
 */

static bool lost_option(struct beat_entry *b, const char *name, const json_t *value,
                        const char *why)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *python = marked(value);
    bool ok = text && remark(b->lost, "left out: the option %.60s, %.200s%s", name,
                             python ? python : text, why);
    free(text);
    return ok;
}

/* A whole number from least on; -1 for anything else. */
static int64_t whole(const json_t *value, int64_t least)
{
    double number = json_is_number(value) ? json_number_value(value) : -1;
    return number >= (double)least && number < LONGEST_S && number == floor(number)
               ? (int64_t)number
               : -1;
}

static bool take_number(struct beat_entry *b, const char *name, const json_t *value, int64_t least,
                        int64_t *field)
{
    int64_t number = whole(value, least);
    if (number < 0)
        return lost_option(b, name, value, "; a whole number is wanted");
    *field = number;
    return true;
}

static bool take_expires(struct beat_entry *b, const json_t *value)
{
    char text[32];
    int64_t seconds = whole(value, 1);
    if (seconds < 0)
        return lost_option(b, "expires", value, "; a whole number of seconds is wanted");
    snprintf(text, sizeof text, "%" PRId64 "s", seconds);
    return remember(b, text, &b->entry.expires);
}

static bool take_headers(struct beat_entry *b, const json_t *value)
{
    const char *name;
    json_t *part;
    if (!json_is_object(value) || marked(value))
        return lost_option(b, "headers", value, "");
    json_t *headers = json_object();
    json_object_foreach((json_t *)value, name, part) {
        bool custom = task_message_header_is_custom(name);
        if (!headers || (custom && json_object_set(headers, name, part) != 0) ||
            (!custom &&
             !remark(b->lost, "left out: the header %.60s, which is the message's own", name)))
            goto failed;
    }
    if (headers && remember_json(b, headers, &b->entry.headers)) {
        json_decref(headers);
        return true;
    }
failed:
    json_decref(headers);
    return false;
}

/* Options that change nothing here. */
static bool is_as_here(const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    if (strcmp(name, "serializer") == 0)
        return text && strcmp(text, "json") == 0;
    if (strcmp(name, "delivery_mode") == 0)
        return json_integer_value(value) == 2;
    return strcmp(name, "retry") == 0 || strcmp(name, "retry_policy") == 0; /* the outbox does */
}

static bool take_option(struct beat_entry *b, const char *name, const json_t *value)
{
    if (json_is_null(value) || is_as_here(name, value))
        return true;
    if (strcmp(name, "queue") == 0 && json_is_string(value))
        return remember(b, json_string_value(value), &b->entry.queue);
    if (strcmp(name, "expires") == 0)
        return take_expires(b, value);
    if (strcmp(name, "headers") == 0)
        return take_headers(b, value);
    if (strcmp(name, "priority") == 0)
        return take_number(b, name, value, 0, &b->entry.priority);
    if (strcmp(name, "time_limit") == 0)
        return take_number(b, name, value, 1, &b->entry.time_limit_s);
    if (strcmp(name, "soft_time_limit") == 0)
        return take_number(b, name, value, 1, &b->entry.soft_time_limit_s);
    return lost_option(b, name, value, "");
}

static bool take_options(struct beat_entry *b, const json_t *options)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)options, name, value) {
        if (!take_option(b, name, value))
            return false;
    }
    return true;
}

/* --- the entry ----------------------------------------------------------------------------------
 */

/* args or kwargs: without one of them the task would be another. */
static bool take_arguments(struct beat_entry *b, const char *name, const json_t *value, bool right,
                           const char **field)
{
    const char *python = marked(value);
    if (!value || json_is_null(value))
        return true;
    if (python || !right)
        return unusable(b) &&
               remark(b->lost, "not carried over: its %s hold%s %.200s", name,
                      python ? "" : " no list or map but", python ? python : "something else");
    return remember_json(b, value, field);
}

static bool take_key(struct beat_entry *b, const char *key, const json_t *value)
{
    static const char *const known[] = {"task", "schedule", "relative"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(key, known[i]) == 0)
            return true;
    if (strcmp(key, "args") == 0)
        return take_arguments(b, key, value, json_is_array(value), &b->entry.args);
    if (strcmp(key, "kwargs") == 0)
        return take_arguments(b, key, value, json_is_object(value), &b->entry.kwargs);
    if (strcmp(key, "options") == 0 && (json_is_object(value) || json_is_null(value)))
        return take_options(b, value);
    return lost_option(b, key, value, "");
}

bool beat_entry_read(const char *name, const json_t *from, struct beat_entry *ret)
{
    struct beat_entry b = {.entry = {.name = name, .enabled = true},
                           .usable = true,
                           .lost = json_array(),
                           .notes = json_array(),
                           .texts = json_array()};
    const char *key, *task = json_string_value(json_object_get(from, "task"));
    json_t *value;
    b.entry.task = task;
    bool ok = b.lost && b.notes && b.texts;
    if (ok && !task)
        ok = unusable(&b) && remark(b.lost, "not carried over: it has no task");
    ok = ok && take_schedule(&b, json_object_get(from, "schedule"));
    json_object_foreach((json_t *)from, key, value) {
        ok = ok && take_key(&b, key, value);
    }
    *ret = b;
    return ok;
}

void beat_entry_free(struct beat_entry *b)
{
    json_decref(b->lost);
    json_decref(b->notes);
    json_decref(b->texts);
    *b = (struct beat_entry){0};
}
