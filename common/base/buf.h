/* Bytes that grow up to a maximum given by whoever makes them. */
#ifndef METERBEAT_BASE_BUF_H
#define METERBEAT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* data is always NUL-terminated once anything was appended (the NUL is not counted in len). */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
};

/* An empty buffer that refuses to hold more than max bytes; allocates nothing yet. */
struct buf buf_make(size_t max);
/* Each appends whole or not at all. False: ERR_REJECT "too_large" at the maximum, ERR_RETRY
 * "no_memory". */
MUST_CHECK bool buf_append(struct buf *b, const void *bytes, size_t len, struct err *e);
MUST_CHECK bool buf_printf(struct buf *b, struct err *e, const char *format, ...) PRINTF_LIKE(3, 4);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/* Gives the memory back; the buffer can be used again. For CLEANUP too. */
void buf_free(struct buf *b);

#endif
