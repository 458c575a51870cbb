/* Cuts what was sent to a server out of what it says, before anybody is told. */
#include "common/base/redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As it is, in hexadecimal, and base64 with none, one or two of its bytes in the group before. */
#define FORMS 5

static char *hex_form(const char *secret, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *form = malloc(2 * len + 1);
    for (size_t i = 0; form && i < len; i++) {
        form[2 * i] = hex[(unsigned char)secret[i] >> 4];
        form[2 * i + 1] = hex[(unsigned char)secret[i] & 15];
    }
    if (form)
        form[2 * len] = '\0';
    return form;
}

/* Whole groups alone: what comes before and after in a longer text changes the others. */
static char *base64_form(const char *secret, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)secret;
    char *form = malloc(4 * (len / 3) + 1), *at = form;
    for (size_t i = 0; form && i + 3 <= len; i += 3) {
        unsigned group = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *at++ = digits[group >> shift & 63];
    }
    if (form)
        *at = '\0';
    return form;
}

/* Base64's second alphabet reads as its first, letters as small ones. */
static unsigned char folded(char c)
{
    return c == '-' ? '+' : c == '_' ? '/' : (unsigned char)tolower((unsigned char)c);
}

/* `digits` hexadecimal ones at text: a character; 0: there are none. */
static unsigned char coded(const char *text, int digits)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return 0;
        unsigned digit = isdigit((unsigned char)text[i]) ? (unsigned)(text[i] - '0')
                                                         : folded(text[i]) - 'a' + 10U;
        value = value << 4 | digit;
    }
    return value < 256 ? (unsigned char)value : 0;
}

/* "&amp;", "&#38;", "&#x26;": *ret_char; returns their bytes, 0: none of them. */
static size_t entity(const char *text, unsigned char *ret_char)
{
    static const struct {
        const char *text;
        unsigned char c;
    } named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        if (strncasecmp(text, named[i].text, strlen(named[i].text)) == 0)
            return *ret_char = named[i].c, strlen(named[i].text);
    if (text[0] != '&' || text[1] != '#' ||
        !isxdigit((unsigned char)text[2 + (folded(text[2]) == 'x')]))
        return 0;
    char *end;
    long value = folded(text[2]) == 'x' ? strtol(text + 3, &end, 16) : strtol(text + 2, &end, 10);
    if (*end != ';' || value < 1 || value > 255)
        return 0;
    *ret_char = (unsigned char)value;
    return (size_t)(end + 1 - text);
}

/* One character as URLs, JSON, C or HTML write it: *ret_char; returns its bytes, 0: it is plain. */
static size_t escaped(const char *text, unsigned char *ret_char)
{
    if (*text == '%' && (*ret_char = coded(text + 1, 2)) != 0)
        return 3;
    if (*text == '\\' && text[1] == 'u' && (*ret_char = coded(text + 2, 4)) != 0)
        return 6;
    if (*text == '\\' && text[1] == 'x' && (*ret_char = coded(text + 2, 2)) != 0)
        return 4;
    if (*text == '\\' && text[1])
        return *ret_char = (unsigned char)text[1], 2;
    return entity(text, ret_char);
}

/* Bytes of text that are the character c, plain or escaped; 0: it is another one. */
static size_t same(const char *text, char c)
{
    unsigned char plain;
    if (*text && folded(*text) == folded(c))
        return 1;
    size_t len = escaped(text, &plain);
    return len && folded((char)plain) == folded(c) ? len : 0;
}

/* How many bytes at the beginning of text are `least` or more characters that stand somewhere in
 * form, one after the other; 0: none. Blanks and line ends between them count for nothing, where
 * there are enough characters to tell. */
static size_t common_run(const char *text, const char *form, size_t least)
{
    size_t longest = 0;
    for (; *form; form++) {
        size_t bytes = 0, n = 0;
        for (size_t gap = 0, len; form[n]; bytes += gap + len, n++) {
            gap = n && least >= REDACT_PART ? strspn(text + bytes, " \t\r\n") : 0;
            if (!(len = same(text + bytes + gap, form[n])))
                break;
        }
        if (n >= least && bytes > longest)
            longest = bytes;
    }
    return longest;
}

static bool is_base64(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("+/-_=", c));
}

/* Of base64 the whole word goes: its first and last groups hold parts of the secret too. */
static void cut_out(char *text, const char *form, bool whole_word)
{
    size_t len = strlen(form), least = len < REDACT_PART ? len : REDACT_PART;
    for (char *at = text; least && *at; at++) {
        size_t run = common_run(at, form, least);
        if (!run)
            continue;
        while (whole_word && is_base64(at[run]))
            run++;
        while (whole_word && at > text && is_base64(at[-1]))
            at--, run++;
        size_t marks = run < 3 ? run : 3;
        memmove(at + marks, at + run, strlen(at + run) + 1);
        memset(at, '*', marks);
        at += marks - 1;
    }
}

void redact(char *text, const struct redact_secrets *secrets)
{
    for (size_t i = 0; i < REDACT_SECRETS_MAX; i++) {
        const char *secret = secrets->of[i];
        size_t len = secret ? strlen(secret) : 0;
        if (len == 0)
            continue;
        char *forms[FORMS] = {strdup(secret), hex_form(secret, len)};
        for (size_t skip = 0; skip < 3; skip++)
            forms[2 + skip] =
                base64_form(secret + (skip < len ? skip : len), skip < len ? len - skip : 0);
        for (size_t f = 0; f < FORMS; f++) {
            if (!forms[f])
                text[0] = '\0';
            else if (f < 2 || strlen(forms[f]) >= REDACT_PART) /* less would cut into words */
                cut_out(text, forms[f], f >= 2);
            if (forms[f])
                explicit_bzero(forms[f], strlen(forms[f]));
            free(forms[f]);
        }
    }
}

bool redact_finds(const char *text, const struct redact_secrets *secrets)
{
    char *copy = strdup(text);
    if (copy)
        redact(copy, secrets);
    bool found = !copy || strcmp(copy, text) != 0;
    free(copy);
    return found;
}

bool redact_err(struct err *e, const struct redact_secrets *secrets)
{
    if (e) {
        redact(e->text, secrets);
        redact(e->detail, secrets);
    }
    return false;
}
