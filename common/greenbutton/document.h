/* Green Button documents from a file or standard input, unpacked where it is gzip or a ZIP archive.
 */
#ifndef METERBEAT_GREENBUTTON_DOCUMENT_H
#define METERBEAT_GREENBUTTON_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct document_sink {
    /* The next bytes, unpacked; false ends the reading with that error. */
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Of an archive, see unpack_sink. next NULL: it may hold one document only. */
    bool (*next)(void *context, struct err *e);
    void (*unread)(void *context, const char *name);
    /* So many bytes of the file itself are read, of `size` (0: not known). May be NULL. */
    void (*at)(void *context, int64_t read, int64_t size);
    void *context;
};

/*
 * name: a file, or "-" for standard input. False: ERR_REJECT "cannot_open", "cannot_read",
 * "feed_too_large" (more than max_bytes unpacked); or what unpack_write and unpack_end say.
 */
MUST_CHECK bool document_read(const char *name, int64_t max_bytes, const struct document_sink *sink,
                              struct err *e);

#endif
