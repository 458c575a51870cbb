/* Bytes that grow up to a maximum given by whoever makes them. */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buf buf_make(size_t max)
{
    return (struct buf){.max = max};
}

static bool buf_reserve(struct buf *b, size_t more, struct err *e)
{
    if (more > b->max || b->len > b->max - more)
        return err_set(e, ERR_REJECT, "too_large", "more than %zu bytes", b->max);
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    char *data = realloc(b->data, cap);
    if (!data)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu bytes", cap);
    b->data = data;
    b->cap = cap;
    return true;
}

bool buf_append(struct buf *b, const void *bytes, size_t len, struct err *e)
{
    if (!buf_reserve(b, len, e))
        return false;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}

bool buf_printf(struct buf *b, struct err *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int need = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (need < 0)
        return err_set(e, ERR_REJECT, "bad_format", "a text that cannot be formatted");
    if (!buf_reserve(b, (size_t)need, e))
        return false;
    va_start(arguments, format);
    vsnprintf(b->data + b->len, (size_t)need + 1, format, arguments);
    va_end(arguments);
    b->len += (size_t)need;
    return true;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = buf_make(b->max);
}
