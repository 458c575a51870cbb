/* Unpacks gzip and ZIP archives as their bytes arrive, and passes on the documents; other bytes
 * pass unchanged. */
#ifndef METERBEAT_GREENBUTTON_UNPACK_H
#define METERBEAT_GREENBUTTON_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* Called from within unpack_write and unpack_end; arguments are borrowed. False aborts with that
 * error. */
struct unpack_sink {
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Another document of the archive begins. */
    bool (*next)(void *context, struct err *e);
    /* A file of the archive that is not XML and is skipped. */
    void (*unread)(void *context, const char *name);
    void *context;
};

struct unpack_limits {
    /* "feed_too_large": for all documents together, unpacked, and for the archive itself */
    int64_t bytes;
    int64_t ratio; /* "feed_ratio": unpacked bytes per packed byte, beyond the first 10 MiB */
};

#define UNPACK_RATIO 200
#define UNPACK_FILES 1000 /* in an archive: "too_many_files" */

struct unpack; /* one thread */

/* Copies sink and limits; sink.context must outlive it. False: ERR_RETRY "no_memory". Free with
 * unpack_freep. */
MUST_CHECK bool unpack_open(const struct unpack_limits *limits, const struct unpack_sink *sink,
                            struct unpack **ret_unpack, struct err *e);
/*
 * Takes the next bytes, in pieces of any size. Consecutive gzip members are one document; an
 * archive is stored in an unnamed file until unpack_end. False: ERR_REJECT "bad_gzip" (damaged),
 * the codes of the limits; ERR_RETRY "no_memory", "no_space"; or the sink's error.
 */
MUST_CHECK bool unpack_write(struct unpack *u, const char *bytes, size_t len, struct err *e);
/*
 * Ends the input. Also ERR_REJECT "feed_cut_off" (incomplete gzip), "bad_zip" (damaged or cut off),
 * "zip_encrypted", "nested_archive", "zip_without_feed", "xlsx" (a workbook or other office
 * document). If it fails, the caller discards everything that was passed on.
 */
MUST_CHECK bool unpack_end(struct unpack *u, struct err *e);
void unpack_freep(struct unpack **u); /* for CLEANUP; NULL is fine */

#endif
