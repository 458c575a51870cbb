/* Decompresses bodies: Celery's gzip (a zlib or gzip stream) and bzip2, up to a limit. */
#ifndef METERBEAT_CELERY_DECOMPRESS_H
#define METERBEAT_CELERY_DECOMPRESS_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/*
 * compression is the header's value, exactly: "application/x-gzip" ("gzip", "zlib") or
 * "application/x-bz2" ("bzip2", "bzip"). Appends one complete stream to out, whose maximum is the
 * limit. False: ERR_REJECT "bad_compression" (unknown, damaged, cut off, bytes after the end; with
 * the offset) or "too_large"; ERR_RETRY "no_memory". Pure.
 */
MUST_CHECK bool decompress(const char *compression, const char *bytes, size_t len, struct buf *out,
                           struct err *e);

#endif
