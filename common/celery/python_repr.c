/* repr() as Python writes it, of JSON values: what logs, events and `celery inspect` show. */
#include "common/celery/task_message.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many levels a container is shown as "...": nothing readable is nested so deep. */
enum { MAX_LEVELS = 64 };

struct text {
    char *data;
    size_t len, max; /* data holds max + 1 bytes */
    bool full;       /* something did not fit */
};

static void put(struct text *t, const char *bytes, size_t len)
{
    size_t room = t->max - t->len;
    if (len > room) {
        t->full = true;
        len = room;
    }
    memcpy(t->data + t->len, bytes, len);
    t->len += len;
}

static void put_word(struct text *t, const char *word)
{
    put(t, word, strlen(word));
}

/* One character of valid UTF-8 at *at, which moves past it. */
static uint32_t next_character(const unsigned char **at)
{
    const unsigned char *p = *at;
    size_t more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    uint32_t c = more ? *p & (0x3fu >> more) : *p;
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *at = p + 1 + more;
    return c;
}

/* Controls, separators, invisible marks, private use, no characters. Of the characters that no
 * Unicode version has assigned yet Python escapes all, this none: it keeps no table of them. */
static bool is_printable(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1f},       {0x7f, 0xa0},        {0xad, 0xad},       {0x600, 0x605},
        {0x61c, 0x61c},     {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},
        {0x8e2, 0x8e2},     {0x1680, 0x1680},    {0x180e, 0x180e},   {0x2000, 0x200f},
        {0x2028, 0x202f},   {0x205f, 0x206f},    {0x3000, 0x3000},   {0xd800, 0xf8ff},
        {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},    {0xfff0, 0xfffb},   {0xfffe, 0xffff},
        {0x110bd, 0x110bd}, {0x110cd, 0x110cd},  {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return false;
    return true;
}

static void put_escape(struct text *t, uint32_t c)
{
    char escape[16];
    if (c == '\n' || c == '\r' || c == '\t')
        snprintf(escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c < 0x100)
        snprintf(escape, sizeof escape, "\\x%02" PRIx32, c);
    else if (c < 0x10000)
        snprintf(escape, sizeof escape, "\\u%04" PRIx32, c);
    else
        snprintf(escape, sizeof escape, "\\U%08" PRIx32, c);
    put_word(t, escape);
}

/* Single quotes, unless only double ones spare an escape. */
static void put_string(struct text *t, const char *string, size_t len)
{
    bool has_single = memchr(string, '\'', len), has_double = memchr(string, '"', len);
    char quote = has_single && !has_double ? '"' : '\'';
    const unsigned char *at = (const unsigned char *)string, *end = at + len;
    put(t, &quote, 1);
    while (at < end && !t->full) {
        const unsigned char *start = at;
        uint32_t c = next_character(&at);
        if (c == '\\' || c == (unsigned char)quote)
            put_word(t, "\\");
        if (is_printable(c))
            put(t, (const char *)start, (size_t)(at - start));
        else
            put_escape(t, c);
    }
    put(t, &quote, 1);
}

/* The fewest digits that read back as the same number; *ret_exponent is that of the first digit. */
static size_t shortest_digits(double value, char digits[20], int *ret_exponent)
{
    char text[40];
    size_t n = 0;
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    const char *at = text;
    for (; *at && *at != 'e'; at++) /* whatever the locale's decimal point is */
        if (*at >= '0' && *at <= '9')
            digits[n++] = *at;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    *ret_exponent = *at ? atoi(at + 1) : 0;
    return n;
}

/* d.ddde+XX */
static void put_scientific(struct text *t, const char *digits, size_t n, int exponent)
{
    char tail[16];
    put(t, digits, 1);
    if (n > 1) {
        put_word(t, ".");
        put(t, digits + 1, n - 1);
    }
    snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    put_word(t, tail);
}

static void put_zeros(struct text *t, int count)
{
    for (int i = 0; i < count; i++)
        put_word(t, "0");
}

static void put_real(struct text *t, double value)
{
    char digits[20];
    int exponent;
    size_t n = shortest_digits(value, digits, &exponent);
    if (value < 0 || (value == 0 && 1 / value < 0))
        put_word(t, "-");
    if (exponent < -4 || exponent >= 16) {
        put_scientific(t, digits, n, exponent);
    } else if (exponent < 0) {
        put_word(t, "0.");
        put_zeros(t, -exponent - 1);
        put(t, digits, n);
    } else {
        size_t whole = (size_t)exponent + 1;
        put(t, digits, n < whole ? n : whole);
        put_zeros(t, (int)(whole > n ? whole - n : 0));
        put_word(t, ".");
        put_word(t, n > whole ? digits + whole : "0");
    }
}

static void put_value(struct text *t, const json_t *value, int level);

static void put_array(struct text *t, const json_t *array, int level)
{
    size_t i;
    json_t *child;
    put_word(t, "[");
    json_array_foreach(array, i, child) {
        if (t->full)
            return;
        if (i)
            put_word(t, ", ");
        put_value(t, child, level + 1);
    }
    put_word(t, "]");
}

static void put_object(struct text *t, const json_t *object, int level)
{
    const char *key, *separator = "{";
    json_t *child;
    json_object_foreach((json_t *)object, key, child) {
        if (t->full)
            return;
        put_word(t, separator);
        separator = ", ";
        put_string(t, key, strlen(key));
        put_word(t, ": ");
        put_value(t, child, level + 1);
    }
    put_word(t, json_object_size(object) ? "}" : "{}");
}

static void put_integer(struct text *t, json_int_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, value);
    put_word(t, text);
}

static void put_value(struct text *t, const json_t *value, int level)
{
    if (level > MAX_LEVELS) {
        put_word(t, "...");
        return;
    }
    if (json_is_array(value))
        put_array(t, value, level);
    else if (json_is_object(value))
        put_object(t, value, level);
    else if (json_is_string(value))
        put_string(t, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        put_integer(t, json_integer_value(value));
    else if (json_is_real(value))
        put_real(t, json_real_value(value));
    else
        put_word(t, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
}

/* Makes room for the dots without leaving half a character before them. */
static void put_dots(struct text *t)
{
    size_t keep = t->max > 3 ? t->max - 3 : 0;
    while (keep > 0 && ((unsigned char)t->data[keep] & 0xc0) == 0x80)
        keep--;
    t->len = keep;
    put_word(t, "...");
}

char *task_message_python_repr(const json_t *value, size_t max)
{
    struct text t = {.data = calloc(1, max + 1), .max = max};
    if (!t.data)
        return NULL;
    put_value(&t, value, 0);
    if (t.full)
        put_dots(&t);
    t.data[t.len] = '\0';
    return t.data;
}
