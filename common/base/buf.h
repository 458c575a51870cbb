/* A growing byte buffer with a maximum. */
#ifndef METERBEAT_BASE_BUF_H
#define METERBEAT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* data is NUL-terminated once anything has been appended (len excludes the NUL). */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
};

/* An empty buffer that holds at most max bytes; allocates nothing yet. */
struct buf buf_make(size_t max);
/* Each appends everything or nothing. False: ERR_REJECT "too_large" at the maximum, ERR_RETRY
 * "no_memory". */
MUST_CHECK bool buf_append(struct buf *b, const void *bytes, size_t len, struct err *e);
MUST_CHECK bool buf_printf(struct buf *b, struct err *e, const char *format, ...) PRINTF_LIKE(3, 4);
/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);
/* Frees its memory; the buffer can be used again. Also for CLEANUP. */
void buf_free(struct buf *b);

#endif
