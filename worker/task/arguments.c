/* What the arguments of the two meter tasks mean: pure, from a message's args and kwargs. */
#include "worker/task/arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool bad_arguments(struct err *e, const char *what)
{
    return err_set(e, ERR_REJECT, "bad_arguments", "%s", what);
}

static bool is_nothing(const json_t *value)
{
    return !value || json_is_null(value);
}

/* The one positional argument, or either keyword; NULL when none is given. */
static bool argument_find(const struct task_message *m, const char *keyword,
                          const char *long_keyword, const json_t **ret_value, struct err *e)
{
    if (json_array_size(m->args) > 1)
        return bad_arguments(e, "at most one positional argument is understood");
    const json_t *values[] = {json_array_get(m->args, 0), json_object_get(m->kwargs, keyword),
                              json_object_get(m->kwargs, long_keyword)};
    *ret_value = NULL;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (is_nothing(values[i]))
            continue;
        if (*ret_value)
            return bad_arguments(e, "the same thing is named twice");
        *ret_value = values[i];
    }
    return true;
}

static bool argument_known(const struct task_message *m, const char *const *names, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(m->kwargs, key, value) {
        const char *const *name = names;
        while (*name && strcmp(*name, key) != 0)
            name++;
        if (!*name)
            return err_set(e, ERR_REJECT, "bad_arguments", "unknown keyword argument \"%.60s\"",
                           key);
    }
    return true;
}

static bool argument_number(const json_t *value, int64_t *ret_number)
{
    if (json_is_integer(value)) {
        *ret_number = json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n > 18 || strspn(text, "0123456789") != n)
        return false;
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

/* Seconds east of UTC from "Z", "+02:00", "-0500"; "" leaves *ret_local true. */
static bool time_offset(const char *text, bool *ret_local, int64_t *ret_offset)
{
    int hours, minutes, used = 0;
    char sign;
    *ret_local = !*text;
    *ret_offset = 0;
    if (!*text || strcmp(text, "Z") == 0)
        return true;
    if ((sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 &&
         sscanf(text, "%c%2d%2d%n", &sign, &hours, &minutes, &used) != 3) ||
        text[used] || (sign != '+' && sign != '-') || hours < 0 || hours > 14 || minutes < 0 ||
        minutes > 59)
        return false;
    *ret_offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static bool civil_is_right(const struct civil *c)
{
    if (c->year < 1970 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > 31 || c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
        c->second < 0 || c->second > 60)
        return false;
    struct civil day = civil_from_days(civil_days(c->year, c->month, 1) + c->day - 1);
    return day.month == c->month;
}

static bool time_from_text(const char *text, const struct timezone_rules *zone, int64_t *ret_s)
{
    struct civil c = {0};
    int used = 0, time_used = 0;
    bool is_local;
    int64_t offset;
    if (sscanf(text, "%4d-%2d-%2d%n", &c.year, &c.month, &c.day, &used) != 3 || used != 10)
        return false;
    if (text[used] == 'T' || text[used] == ' ') {
        if (sscanf(text + used + 1, "%2d:%2d:%2d%n", &c.hour, &c.minute, &c.second, &time_used) !=
            3)
            return false;
        used += 1 + time_used;
    }
    if (!civil_is_right(&c) || !time_offset(text + used, &is_local, &offset))
        return false;
    *ret_s = is_local ? timezone_instant(zone, c)
                      : civil_days(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 +
                            c.second - offset;
    return true;
}

bool arguments_time(const char *text, const struct timezone_rules *zone, int64_t *ret_s)
{
    return time_from_text(text, zone, ret_s);
}

static bool argument_time(const json_t *value, const struct timezone_rules *zone, int64_t *ret_s)
{
    if (argument_number(value, ret_s))
        return true;
    const char *text = json_string_value(value);
    return text && time_from_text(text, zone, ret_s);
}

static bool argument_window(const struct task_message *m, const struct timezone_rules *zone,
                            struct parse_arguments *a, struct err *e)
{
    const json_t *from = json_object_get(m->kwargs, "from"), *to = json_object_get(m->kwargs, "to");
    a->has_window = !is_nothing(from) || !is_nothing(to);
    if (!a->has_window || !zone)
        return true;
    if (!a->record_id)
        return bad_arguments(e, "from and to want a record");
    if (!argument_time(from, zone, &a->from_s) || !argument_time(to, zone, &a->to_s))
        return bad_arguments(e, "from and to are epoch seconds or dates such as 2026-03-01, both");
    if (a->from_s < 0 || a->from_s >= a->to_s)
        return bad_arguments(e, "from is not before to");
    return true;
}

bool parse_arguments(const struct task_message *m, const struct timezone_rules *zone,
                     struct parse_arguments *ret_arguments, struct err *e)
{
    static const char *const names[] = {"record", "record_id", "from", "to", NULL};
    struct parse_arguments a = {0};
    const json_t *record;
    if (!argument_known(m, names, e) || !argument_find(m, "record", "record_id", &record, e))
        return false;
    if (record && (!argument_number(record, &a.record_id) || a.record_id < 1))
        return bad_arguments(e, "record is no id of seed_ts_parser_record");
    if (!argument_window(m, zone, &a, e))
        return false;
    *ret_arguments = a;
    return true;
}

bool aggregate_arguments(const struct task_message *m, struct aggregate_arguments *ret_arguments,
                         struct err *e)
{
    static const char *const names[] = {"building", "building_id", NULL};
    struct aggregate_arguments a = {{0}};
    const json_t *building;
    if (!argument_known(m, names, e) || !argument_find(m, "building", "building_id", &building, e))
        return false;
    if (json_is_integer(building) && json_integer_value(building) != -1)
        snprintf(a.building_id, sizeof a.building_id, "%" PRId64,
                 (int64_t)json_integer_value(building));
    else if (json_is_string(building) && json_string_length(building) < sizeof a.building_id)
        snprintf(a.building_id, sizeof a.building_id, "%s", json_string_value(building));
    else if (building && !json_is_integer(building))
        return bad_arguments(e, "building is no building_id of seed_ts_parser_record");
    *ret_arguments = a;
    return true;
}
