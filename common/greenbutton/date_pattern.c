/* A record's date_pattern: strftime's directives, or the words month, day and year. */
#include "common/greenbutton/date_pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Spelt out here: strftime's own names follow the process's locale, a utility's URL does not. */
static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

static bool date_pattern_push(struct date_pattern *p, struct date_token token, struct err *e)
{
    if (p->count == DATE_PATTERN_TOKENS)
        return err_set(e, ERR_REJECT, "bad_date_pattern", "date_pattern: more than %d parts",
                       DATE_PATTERN_TOKENS);
    p->tokens[p->count++] = token;
    return true;
}

static bool date_pattern_push_all(struct date_pattern *p, const char *letters, struct err *e)
{
    for (; *letters; letters++) {
        bool literal = ispunct((unsigned char)*letters);
        struct date_token token = {
            .kind = literal ? 0 : *letters, .literal = *letters, .padded = true};
        if (!date_pattern_push(p, token, e))
            return false;
    }
    return true;
}

/* One %directive; *at stands on the '%' and is left on the directive's last character. */
static bool date_pattern_directive(struct date_pattern *p, const char **at, struct err *e)
{
    const char *letter = *at + 1;
    bool padded = *letter != '-';
    if (!padded)
        letter++;
    *at = letter;
    switch (*letter) {
    case 'F':
        return date_pattern_push_all(p, "Y-m-d", e);
    case 'D':
        return date_pattern_push_all(p, "m/d/y", e);
    case 'e':
        return date_pattern_push(p, (struct date_token){.kind = 'd'}, e);
    case '%':
        return date_pattern_push(p, (struct date_token){.literal = '%'}, e);
    case 'Y':
    case 'y':
    case 'm':
    case 'd':
    case 'b':
    case 'B':
    case 'j':
    case 'H':
    case 'M':
    case 'S':
        return date_pattern_push(p, (struct date_token){.kind = *letter, .padded = padded}, e);
    default:
        return err_set(e, ERR_REJECT, "bad_date_pattern",
                       "date_pattern: directive %%%c is not one of Y y m d b B j H M S F D e",
                       *letter ? *letter : '?');
    }
}

static bool date_pattern_word(struct date_pattern *p, const char **at, bool *ret_found,
                              struct err *e)
{
    static const struct {
        const char *word;
        char kind;
        bool padded;
    } words[] = {{"month", 'm', false}, {"day", 'd', false}, {"year", 'Y', true},
                 {"yyyy", 'Y', true},   {"mm", 'm', true},   {"dd", 'd', true}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t length = strlen(words[i].word);
        if (strncasecmp(*at, words[i].word, length) != 0)
            continue;
        *at += length - 1;
        *ret_found = true;
        return date_pattern_push(
            p, (struct date_token){.kind = words[i].kind, .padded = words[i].padded}, e);
    }
    *ret_found = false;
    return true;
}

static int date_pattern_uses(const struct date_pattern *p, const char *kinds)
{
    int uses = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->tokens[i].kind && strchr(kinds, p->tokens[i].kind))
            uses++;
    return uses;
}

/* Exactly one day follows from a text, or none: each part is there, and there once. */
static bool date_pattern_names_a_day(const struct date_pattern *p, const char *text, struct err *e)
{
    int year = date_pattern_uses(p, "Yy"), month = date_pattern_uses(p, "mbB");
    int day = date_pattern_uses(p, "d"), of_year = date_pattern_uses(p, "j");
    bool by_month = month == 1 && day == 1 && of_year == 0;
    bool by_day_of_year = month == 0 && day == 0 && of_year == 1;
    if (year == 1 && (by_month || by_day_of_year))
        return true;
    return err_set(e, ERR_REJECT, "bad_date_pattern",
                   "date_pattern \"%.100s\" must name year, month and day, each once", text);
}

static bool date_token_is_number(const struct date_token *t)
{
    return t->kind && !strchr("bB", t->kind);
}

/*
 * A number without leading zeros ends where the digits end, so no digit may follow it: in %Y-%-m%d
 * 2026-111 would be two days. Padded ones that touch other digits have all of their own.
 */
static bool date_pattern_is_unambiguous(struct date_pattern *p, const char *text, struct err *e)
{
    bool digit_before = false;
    for (size_t i = 0; i < p->count; i++) {
        struct date_token *t = &p->tokens[i];
        const struct date_token *next = i + 1 < p->count ? t + 1 : NULL;
        bool digit_after =
            next && (date_token_is_number(next) || isdigit((unsigned char)next->literal));
        if (date_token_is_number(t) && !t->padded && digit_after)
            return err_set(e, ERR_REJECT, "bad_date_pattern",
                           "date_pattern \"%.100s\": digits follow %%-%c, which has no leading "
                           "zero, so that a date in it could be read as another",
                           text, t->kind);
        t->exact = t->padded && (digit_before || digit_after);
        digit_before = date_token_is_number(t) || isdigit((unsigned char)t->literal);
    }
    return true;
}

bool date_pattern_compile(const char *text, struct date_pattern *ret_pattern, struct err *e)
{
    struct date_pattern p = {.count = 0};
    if (!text || !*text)
        text = DATE_PATTERN_DEFAULT;
    bool directives = strchr(text, '%') != NULL;
    for (const char *at = text; *at; at++) {
        bool found = false;
        if (directives && *at == '%') {
            if (!date_pattern_directive(&p, &at, e))
                return false;
            continue;
        }
        if (!directives && !date_pattern_word(&p, &at, &found, e))
            return false;
        if (!found && !date_pattern_push(&p, (struct date_token){.literal = *at}, e))
            return false;
    }
    if (!date_pattern_names_a_day(&p, text, e) || !date_pattern_is_unambiguous(&p, text, e))
        return false;
    *ret_pattern = p;
    return true;
}

/* At most `digits` digits, at least one; all of them where other digits stand beside it. */
static bool date_read_number(const struct date_token *token, const char **at, int digits,
                             int *ret_number)
{
    int number = 0, n = 0;
    while (n < digits && isdigit((unsigned char)(*at)[n]))
        number = number * 10 + ((*at)[n++] - '0');
    *at += n;
    *ret_number = number;
    return n > 0 && (n == digits || !token->exact);
}

static bool date_read_month_name(const char **at, bool full, int *ret_month)
{
    for (int i = 0; i < 12; i++) {
        size_t length = full ? strlen(month_names[i]) : 3;
        if (strncasecmp(*at, month_names[i], length) == 0) {
            *at += length;
            *ret_month = i + 1;
            return true;
        }
    }
    return false;
}

struct date_parts {
    int year, month, day, of_year, time;
};

static bool date_read_token(const struct date_token *token, const char **at,
                            struct date_parts *parts)
{
    switch (token->kind) {
    case 0:
        return *(*at)++ == token->literal;
    case 'Y':
        return date_read_number(token, at, 4, &parts->year) && parts->year >= 1000;
    case 'y': /* POSIX's pivot, as Python has it */
        if (!date_read_number(token, at, 2, &parts->year))
            return false;
        parts->year += parts->year < 69 ? 2000 : 1900;
        return true;
    case 'm':
        return date_read_number(token, at, 2, &parts->month);
    case 'b':
    case 'B':
        return date_read_month_name(at, token->kind == 'B', &parts->month);
    case 'd':
        return date_read_number(token, at, 2, &parts->day);
    case 'j':
        return date_read_number(token, at, 3, &parts->of_year);
    case 'H': /* a day is all that is kept */
        return date_read_number(token, at, 2, &parts->time) && parts->time <= 23;
    default: /* M S; a leap second is one */
        return date_read_number(token, at, 2, &parts->time) && parts->time <= 60;
    }
}

static bool date_parts_are_a_day(const struct date_parts *parts, struct civil *ret_day)
{
    if (parts->year < 1970 || parts->year > 9999)
        return false;
    if (parts->of_year) {
        *ret_day = civil_from_days(civil_days(parts->year, 1, 1) + parts->of_year - 1);
        return ret_day->year == parts->year;
    }
    if (parts->month < 1 || parts->month > 12 || parts->day < 1 || parts->day > 31)
        return false;
    /* a day past the month's end comes back as one of the next month */
    *ret_day = civil_from_days(civil_days(parts->year, parts->month, 1) + parts->day - 1);
    return ret_day->month == parts->month;
}

bool date_pattern_read(const struct date_pattern *p, const char *text, struct civil *ret_day,
                       struct err *e)
{
    struct date_parts parts = {0};
    const char *at = text;
    for (size_t i = 0; i < p->count; i++) {
        if (!*at || !date_read_token(&p->tokens[i], &at, &parts))
            return err_set(e, ERR_REJECT, "bad_date", "\"%.50s\" is not a date in its date_pattern",
                           text);
    }
    struct civil day;
    if (*at || !date_parts_are_a_day(&parts, &day))
        return err_set(e, ERR_REJECT, "bad_date", "\"%.50s\" is no day of the calendar", text);
    *ret_day = day;
    return true;
}

static int date_write_token(const struct date_token *token, struct civil day, char *out,
                            size_t size)
{
    int of_year = (int)(civil_days(day.year, day.month, day.day) - civil_days(day.year, 1, 1)) + 1;
    switch (token->kind) {
    case 0:
        return snprintf(out, size, "%c", token->literal);
    case 'Y':
        return snprintf(out, size, "%04d", day.year);
    case 'y':
        return snprintf(out, size, "%02d", day.year % 100);
    case 'b':
        return snprintf(out, size, "%.3s", month_names[day.month - 1]);
    case 'B':
        return snprintf(out, size, "%s", month_names[day.month - 1]);
    case 'j':
        return snprintf(out, size, token->padded ? "%03d" : "%d", of_year);
    case 'm':
        return snprintf(out, size, token->padded ? "%02d" : "%d", day.month);
    case 'd':
        return snprintf(out, size, token->padded ? "%02d" : "%d", day.day);
    case 'H':
        return snprintf(out, size, "%02d", day.hour);
    case 'M':
        return snprintf(out, size, "%02d", day.minute);
    default:
        return snprintf(out, size, "%02d", day.second);
    }
}

bool date_pattern_write(const struct date_pattern *p, struct civil day, char *out, size_t size,
                        struct err *e)
{
    size_t used = 0;
    for (size_t i = 0; i < p->count; i++) {
        int n = date_write_token(&p->tokens[i], day, out + used, size - used);
        if (n < 0 || used + (size_t)n >= size)
            return err_set(e, ERR_REJECT, "bad_date_pattern",
                           "date_pattern: a date in it is longer than %zu characters", size - 1);
        used += (size_t)n;
    }
    struct civil again;
    /* what is before 1970 stands only in windows of feeds that have no dates */
    if (day.year >= 1970 && (!date_pattern_read(p, out, &again, NULL) || again.year != day.year ||
                             again.month != day.month || again.day != day.day))
        return err_set(e, ERR_REJECT, "bad_date_pattern",
                       "date_pattern: %04d-%02d-%02d in it would be read as another day", day.year,
                       day.month, day.day);
    return true;
}
