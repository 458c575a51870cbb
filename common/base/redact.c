/* Cuts what was sent to a server out of what it says, before anybody is told. */
#include "base/redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As it is, percent-encoded, and base64 with none, one or two of its bytes in the group before. */
#define FORMS 5

static char *percent_form(const char *secret, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    char *form = malloc(3 * len + 1), *at = form;
    for (size_t i = 0; form && i < len; i++) {
        unsigned char c = (unsigned char)secret[i];
        if (isalnum(c) || strchr("-._~", c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    if (form)
        *at = '\0';
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

/* How many characters at the beginning of text stand somewhere in form, one after the other. */
static size_t common_run(const char *text, const char *form)
{
    size_t longest = 0;
    for (; *form; form++) {
        size_t n = 0;
        while (text[n] && form[n] && folded(text[n]) == folded(form[n]))
            n++;
        longest = n > longest ? n : longest;
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
        size_t run = common_run(at, form);
        if (run < least)
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
        char *forms[FORMS] = {strdup(secret), percent_form(secret, len)};
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

bool redact_err(struct err *e, const struct redact_secrets *secrets)
{
    if (e) {
        redact(e->text, secrets);
        redact(e->detail, secrets);
    }
    return false;
}
