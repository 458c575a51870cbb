/* Foreign text on its way to a person or a log. */
#include "common/base/text.h"

#include <glib.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_MAX 40
#define NUMBER_MAX 400 /* a double with %f has 310 digits */
#define ZWNJ 0x200c    /* Persian and Indic scripts need the joiners */
#define ZWJ 0x200d

/* --- characters ---------------------------------------------------------------------------- */

/* Letters and marks that nothing is seen of (Unicode's Default_Ignorable_Code_Point, beside
 * formats). Variation selectors say how the character before them looks, and stay. */
static bool is_blank_letter(gunichar c)
{
    static const gunichar blank[] = {0x034f, 0x115f, 0x1160, 0x17b4,
                                     0x17b5, 0x2800, 0x3164, 0xffa0};
    for (size_t i = 0; i < ARRAY_LEN(blank); i++)
        if (c == blank[i])
            return true;
    return false;
}

static bool is_shown(gunichar c)
{
    if (is_blank_letter(c))
        return false;
    switch (g_unichar_type(c)) {
    case G_UNICODE_FORMAT:
        return c == ZWNJ || c == ZWJ;
    case G_UNICODE_CONTROL:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED: /* noncharacters, and what a later Unicode may hide */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return false;
    default:
        return true;
    }
}

bool text_is_shown(const char *at, size_t *ret_bytes)
{
    unsigned char first = (unsigned char)*at;
    *ret_bytes = 1;
    if (first < 0x80)
        return first >= ' ' && first != 0x7f;
    gunichar c = g_utf8_get_char_validated(at, -1);
    if (c == (gunichar)-1 || c == (gunichar)-2)
        return false;
    *ret_bytes = (size_t)(g_utf8_next_char(at) - at);
    return is_shown(c);
}

char *text_clean(char *text)
{
    char *to = text;
    size_t bytes;
    for (const char *at = text; *at != '\0'; at += bytes) {
        if (text_is_shown(at, &bytes)) {
            memmove(to, at, bytes);
            to += bytes;
        } else {
            *to++ = '?';
        }
    }
    *to = '\0';
    return text;
}

/* --- formats ------------------------------------------------------------------------------- */

/* One conversion: "%-*.3ld" -> its flags, width and precision as digits, "l", 'd'. */
struct conversion {
    char spec[SPEC_MAX]; /* "%-20.3", without length and letter */
    char length;         /* 'l', 'L' for ll, 'z', 'j', 't', or 0 for an int */
    char letter;
    int width, precision; /* of a text; -1: none */
    bool left;
};

/* A number of the format, or the next value in place of '*'. */
static const char *read_number(const char *at, va_list *values, int *ret_number)
{
    if (*at == '*') {
        *ret_number = va_arg(*values, int);
        return at + 1;
    }
    int number = 0;
    for (; *at >= '0' && *at <= '9' && number < 10000; at++)
        number = number * 10 + (*at - '0');
    *ret_number = number;
    return at;
}

static const char *read_length(const char *at, char *ret_length)
{
    *ret_length = 0;
    for (; *at == 'h' || *at == 'l' || *at == 'z' || *at == 'j' || *at == 't'; at++)
        *ret_length = *at == 'h' ? (char)0 : *at == 'l' && *ret_length == 'l' ? 'L' : *at;
    return at;
}

/* at: behind the '%'; returns what follows the conversion. */
static const char *read_conversion(const char *at, va_list *values, struct conversion *ret)
{
    struct conversion c = {.width = -1, .precision = -1};
    char flags[8] = "", width[16] = "", precision[16] = "";
    size_t n = strspn(at, "-+ #0");
    (void)snprintf(flags, sizeof flags, "%.*s", (int)n, at);
    c.left = strchr(flags, '-') != NULL;
    at += n;
    if (*at == '*' || (*at >= '1' && *at <= '9')) {
        at = read_number(at, values, &c.width);
        c.left = c.left || c.width < 0;
        c.width = abs(c.width);
        (void)snprintf(width, sizeof width, "%s%d", c.left ? "-" : "", c.width);
    }
    if (*at == '.') {
        at = read_number(at + 1, values, &c.precision);
        if (c.precision >= 0)
            (void)snprintf(precision, sizeof precision, ".%d", c.precision);
    }
    at = read_length(at, &c.length);
    c.letter = *at;
    (void)snprintf(c.spec, sizeof c.spec, "%%%s%s%s", flags, width, precision);
    *ret = c;
    return *at != '\0' ? at + 1 : at;
}

static intmax_t take_signed(char length, va_list *values)
{
    switch (length) {
    case 'l':
        return va_arg(*values, long);
    case 'L':
        return va_arg(*values, long long);
    case 'z':
    case 't':
        return va_arg(*values, ptrdiff_t);
    case 'j':
        return va_arg(*values, intmax_t);
    default:
        return va_arg(*values, int);
    }
}

static uintmax_t take_unsigned(char length, va_list *values)
{
    switch (length) {
    case 'l':
        return va_arg(*values, unsigned long);
    case 'L':
        return va_arg(*values, unsigned long long);
    case 'z':
    case 't':
        return va_arg(*values, size_t);
    case 'j':
        return va_arg(*values, uintmax_t);
    default:
        return va_arg(*values, unsigned);
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* made from a literal that was checked */
static void format_number(const struct conversion *c, va_list *values, const struct text_sink *sink)
{
    char out[NUMBER_MAX], spec[SPEC_MAX + 4];
    bool integer = strchr("diuoxX", c->letter) != NULL;
    int len;
    (void)snprintf(spec, sizeof spec, "%s%s%c", c->spec, integer ? "j" : "", c->letter);
    if (strchr("di", c->letter) != NULL)
        len = snprintf(out, sizeof out, spec, take_signed(c->length, values));
    else if (integer)
        len = snprintf(out, sizeof out, spec, take_unsigned(c->length, values));
    else if (c->letter == 'c')
        len = snprintf(out, sizeof out, spec, va_arg(*values, int));
    else if (c->letter == 'p')
        len = snprintf(out, sizeof out, spec, va_arg(*values, void *));
    else
        len = snprintf(out, sizeof out, spec, va_arg(*values, double));
    if (len > 0)
        sink->number(sink->to, out, (size_t)len < sizeof out ? (size_t)len : sizeof out - 1);
}
#pragma GCC diagnostic pop

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void format_blanks(const struct conversion *c, size_t columns, const struct text_sink *sink)
{
    for (size_t i = columns; c->width > 0 && i < (size_t)c->width; i++)
        sink->literal(sink->to, " ", 1);
}

/* Without memory nothing comes, rather than something that is not clean. */
static void format_text(const struct conversion *c, const char *text, const struct text_sink *sink)
{
    const char *given = text != NULL ? text : "(null)";
    char *copy = c->precision >= 0 ? strndup(given, (size_t)c->precision) : strdup(given);
    if (copy == NULL)
        return;
    size_t columns = columns_of(text_clean(copy));
    if (!c->left)
        format_blanks(c, columns, sink);
    sink->value(sink->to, copy, strlen(copy));
    if (c->left)
        format_blanks(c, columns, sink);
    free(copy);
}

void text_format(const struct text_sink *sink, const char *format, va_list values)
{
    va_list left;
    va_copy(left, values);
    for (const char *at = format; *at != '\0';) {
        size_t literal = strcspn(at, "%");
        if (literal > 0)
            sink->literal(sink->to, at, literal);
        at += literal;
        if (*at == '\0')
            break;
        struct conversion c;
        at = read_conversion(at + 1, &left, &c);
        if (c.letter == '%')
            sink->literal(sink->to, "%", 1);
        else if (c.letter == 's')
            format_text(&c, va_arg(left, const char *), sink);
        else if (c.letter != '\0' && strchr("diuoxXcpfFeEgGaA", c.letter) != NULL)
            format_number(&c, &left, sink);
        else
            break; /* what follows could not be told apart any more */
    }
    va_end(left);
}

/* --- printing ------------------------------------------------------------------------------ */

static void write_part(void *to, const char *text, size_t len)
{
    (void)fwrite(text, 1, len, to); /* whoever closes or flushes the file looks at its errors */
}

void text_vprint(FILE *out, const char *format, va_list values)
{
    const struct text_sink sink = {write_part, write_part, write_part, out};
    text_format(&sink, format, values);
}

void text_print(FILE *out, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    text_vprint(out, format, values);
    va_end(values);
}

void text_put(FILE *out, const char *text)
{
    text_print(out, "%s", text);
}

int text_put_json(const char *text, size_t len, void *out)
{
    FILE *file = out;
    for (size_t i = 0; i < len; i++)
        if (text[i] == 0x7f ? fputs("\\u007f", file) < 0 : fputc(text[i], file) == EOF)
            return -1;
    return 0;
}
