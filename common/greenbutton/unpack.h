/* Bytes as they come, unpacked where they are gzip or a ZIP archive: the documents in it. */
#ifndef METERBEAT_GREENBUTTON_UNPACK_H
#define METERBEAT_GREENBUTTON_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* Called from within unpack_write and unpack_end; what they are handed is borrowed. False ends it
 * with that error. */
struct unpack_sink {
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Another document of the archive follows. */
    bool (*next)(void *context, struct err *e);
    /* A file of the archive that is no XML and is passed over. */
    void (*unread)(void *context, const char *name);
    void *context;
};

struct unpack_limits {
    int64_t bytes; /* "feed_too_large": unpacked, all together; and of an archive as it is */
    int64_t ratio; /* "feed_ratio": unpacked bytes for each packed one, beyond the first 10 MiB */
};

#define UNPACK_RATIO 200
#define UNPACK_FILES 1000 /* in an archive: "too_many_files" */

struct unpack; /* one thread */

/* ERR_RETRY "no_memory". sink.context is used later; both are copied. Free with unpack_freep. */
MUST_CHECK bool unpack_open(const struct unpack_limits *limits, const struct unpack_sink *sink,
                            struct unpack **ret_unpack, struct err *e);
/*
 * The next bytes, in pieces of any size. Several gzip members one after the other are one document;
 * an archive is kept in a file without a name until unpack_end. False: ERR_REJECT "bad_gzip"
 * (damaged), the limits' codes; ERR_RETRY "no_memory", "no_space"; or what the sink said.
 */
MUST_CHECK bool unpack_write(struct unpack *u, const char *bytes, size_t len, struct err *e);
/* The end. Also ERR_REJECT "feed_cut_off" (gzip without its end), "bad_zip" (damaged, or cut off),
 * "zip_encrypted", "nested_archive", "zip_without_feed", "xlsx" (a workbook or another document of
 * an office). Of a failed one nothing that was passed on counts. */
MUST_CHECK bool unpack_end(struct unpack *u, struct err *e);
void unpack_freep(struct unpack **u); /* for CLEANUP; NULL is fine */

#endif
