/* Reads Green Button documents from a file or standard input, unpacking gzip and ZIP archives. */
#ifndef METERBEAT_GREENBUTTON_DOCUMENT_H
#define METERBEAT_GREENBUTTON_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct document_sink {
    /* Called with the next bytes, unpacked; false aborts with that error. */
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* For archives, see unpack_sink. With next NULL, only one document is allowed. */
    bool (*next)(void *context, struct err *e);
    void (*unread)(void *context, const char *name);
    /* Called with the bytes read so far of the file itself, and its size (0: not known). May be
     * NULL. */
    void (*at)(void *context, int64_t read, int64_t size);
    void *context;
};

/* name: a file, or "-" for standard input. False: ERR_REJECT "cannot_open", "cannot_read",
 * "feed_too_large" (more than max_bytes unpacked); or an error of unpack_write or unpack_end. */
MUST_CHECK bool document_read(const char *name, int64_t max_bytes, const struct document_sink *sink,
                              struct err *e);

#endif
