/* Base64 (RFC 4648 section 4, with padding): how bytes travel in a JSON value. */
#include "common/base/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *bytes, size_t len)
{
    if (len > SIZE_MAX / 2)
        return NULL;
    const unsigned char *in = bytes;
    char *text = malloc((len + 2) / 3 * 4 + 1);
    if (!text)
        return NULL;
    char *out = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        if (have > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (have > 2)
            group |= in[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = have > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = have > 2 ? alphabet[group & 63] : '=';
    }
    *out = '\0';
    return text;
}

/* 0-63, or -1 for what is no digit of base64. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding(const char *text, size_t len)
{
    if (len && text[len - 1] == '=')
        return len > 1 && text[len - 2] == '=' ? 2 : 1;
    return 0;
}

bool base64_decoded_size(const char *text, size_t len, size_t *ret_size)
{
    if (len % 4)
        return false;
    size_t padded = padding(text, len);
    for (size_t i = 0; i < len - padded; i++)
        if (digit_value(text[i]) < 0)
            return false;
    *ret_size = len / 4 * 3 - padded;
    return true;
}

void base64_decode(const char *text, size_t len, unsigned char *out)
{
    size_t digits = len - padding(text, len);
    uint32_t group = 0;
    for (size_t i = 0; i < digits; i++) {
        group = group << 6 | (uint32_t)digit_value(text[i]);
        if (i % 4 == 0)
            continue;
        *out++ = (unsigned char)(group >> (6 - i % 4 * 2));
    }
}
