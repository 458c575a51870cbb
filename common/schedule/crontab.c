/* Celery's crontab grammar, less what Celery takes for something else than it says. */
#include "common/schedule/crontab.h"

#include <stdio.h>
#include <string.h>

#define FIELDS 5

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
    const char *name;
    int least, most;
    const char *const *names; /* of the numbers from least on; NULL: it has none */
} fields[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, month_names},
    {"day of the week", 0, 6, weekday_names},
};

/* Where the reading is: a field's text is from `at` to `end`. */
struct reader {
    const char *text, *at, *end;
    const struct field *field;
    bool star; /* the field has a part that begins with one */
    struct err *e;
};

static bool refuse_at(const struct reader *r, const char *at, const char *what)
{
    return err_set(r->e, ERR_FATAL, "bad_crontab", "crontab \"%.200s\", column %d: %s%s%s", r->text,
                   (int)(at - r->text) + 1, r->field ? r->field->name : "", r->field ? ": " : "",
                   what);
}

static bool refuse_number(const struct reader *r, const char *at)
{
    char what[120];
    const char *hint = r->field->names == weekday_names ? "; Sunday is 0" : "";
    snprintf(what, sizeof what, "the numbers are %d to %d%s", r->field->least, r->field->most,
             hint);
    return refuse_at(r, at, what);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool at_char(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

/* --- numbers and names --------------------------------------------------------------------------
 */

/* Digits at r->at; those of more than `most` count as most + 1. */
static int take_digits(struct reader *r, int most)
{
    int number = 0;
    for (; r->at < r->end && is_digit(*r->at); r->at++) {
        number = number * 10 + (*r->at - '0');
        number = number > most ? most + 1 : number;
    }
    return number;
}

/* Three letters decide, as for Celery: "monday" and "Mon" are one. */
static bool take_name(struct reader *r, int *ret_number)
{
    const char *at = r->at;
    while (r->at < r->end && is_letter(*r->at))
        r->at++;
    const char *const *names = r->field->names;
    if (!names)
        return refuse_at(r, at, "has numbers only, no names");
    for (int i = 0; r->at - at >= 3 && names[i]; i++) {
        if (lower(at[0]) == names[i][0] && lower(at[1]) == names[i][1] &&
            lower(at[2]) == names[i][2]) {
            *ret_number = r->field->least + i;
            return true;
        }
    }
    return refuse_at(
        r, at, names == month_names ? "the names are jan to dec" : "the names are sun to sat");
}

static bool take_number(struct reader *r, int *ret_number)
{
    const char *at = r->at;
    if (r->at < r->end && is_letter(*r->at))
        return take_name(r, ret_number);
    if (r->at == r->end || !is_digit(*r->at))
        return refuse_at(r, at, "a number is missing");
    *ret_number = take_digits(r, r->field->most);
    if (*ret_number < r->field->least || *ret_number > r->field->most)
        return refuse_number(r, at);
    return true;
}

/* "/N", if it is there. Every 90 minutes is no step: the field starts anew each hour. */
static bool take_step(struct reader *r, int *ret_step)
{
    *ret_step = 1;
    if (!at_char(r, '/'))
        return true;
    const char *at = ++r->at;
    int room = r->field->most - r->field->least + 1;
    if (r->at == r->end || !is_digit(*r->at))
        return refuse_at(r, at, "a step is a number");
    *ret_step = take_digits(r, room);
    if (*ret_step < 1)
        return refuse_at(r, at, "a step is at least 1");
    if (*ret_step > room)
        return refuse_at(r, at, "the step is longer than the whole field");
    return true;
}

/* --- parts, fields ------------------------------------------------------------------------------
 */

/* From `from` to `to` by steps, over the field's end to its beginning when `to` comes first. */
static uint64_t expand(const struct field *f, int from, int to, int step)
{
    int room = f->most - f->least + 1;
    int count = (to - from + room) % room + 1;
    uint64_t set = 0;
    for (int i = 0; i < count; i += step)
        set |= UINT64_C(1) << (f->least + (from - f->least + i) % room);
    return set;
}

/* "*", "*" "/" step, number, number "-" number, the same "/" step. */
static bool take_part(struct reader *r, uint64_t *set)
{
    int from = r->field->least, to = r->field->most, step = 1;
    bool star = at_char(r, '*');
    r->star = r->star || star;
    if (star)
        r->at++;
    else if (!take_number(r, &from))
        return false;
    bool range = !star && at_char(r, '-');
    if (range) {
        r->at++;
        if (!take_number(r, &to))
            return false;
    }
    if (!star && !range) {
        to = from;
        if (at_char(r, '/'))
            return refuse_at(r, r->at, "a step follows * or a range");
    }
    if (!take_step(r, &step))
        return false;
    *set |= expand(r->field, from, to, step);
    return true;
}

/* The field from r->at to the next blank. */
static bool take_field(struct reader *r, uint64_t *ret_set)
{
    r->end = r->at + strcspn(r->at, " \t");
    *ret_set = 0;
    r->star = false;
    for (;;) {
        if (r->at == r->end || *r->at == ',')
            return refuse_at(r, r->at, "an empty part");
        if (!take_part(r, ret_set))
            return false;
        if (r->at == r->end)
            return true;
        if (*r->at != ',')
            return refuse_at(r, r->at, "what is this? as in *, */5, 1-5, 8-18/2 or 1,15");
        r->at++;
    }
}

static bool take_fields(struct reader *r, uint64_t sets[FIELDS], bool stars[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        r->at += strspn(r->at, " \t");
        if (*r->at == '\0')
            return refuse_at(r, r->at,
                             "five fields: minute, hour, day of the month, month, day of the week");
        r->field = &fields[i];
        if (!take_field(r, &sets[i]))
            return false;
        stars[i] = r->star;
        r->field = NULL;
    }
    r->at += strspn(r->at, " \t");
    return *r->at == '\0' || refuse_at(r, r->at, "more than five fields");
}

/* Whether some month of the crontab has one of its days. */
static bool date_exists(const struct crontab *c)
{
    for (int month = 1; month <= 12; month++) {
        int64_t length = civil_days(2000, month + 1, 1) - civil_days(2000, month, 1);
        if (c->months >> month & 1 && c->days & (uint32_t)((UINT64_C(2) << length) - 2))
            return true;
    }
    return false;
}

bool crontab_parse(const char *text, struct crontab *ret_crontab, struct err *e)
{
    uint64_t sets[FIELDS];
    bool stars[FIELDS];
    struct reader r = {.text = text, .at = text, .e = e};
    if (strlen(text) > CRONTAB_TEXT)
        return refuse_at(&r, text + CRONTAB_TEXT, "too long");
    if (!take_fields(&r, sets, stars))
        return false;
    struct crontab c = {
        .minutes = sets[0],
        .hours = (uint32_t)sets[1],
        .days = (uint32_t)sets[2],
        .months = (uint32_t)sets[3],
        .weekdays = (uint32_t)sets[4],
        .runs_through = stars[0] || stars[1],
    };
    if (!date_exists(&c))
        return refuse_at(&r, text, "a date that never comes: no such month has such a day");
    *ret_crontab = c;
    return true;
}
