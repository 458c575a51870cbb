/* Validates a msgpack value before anything is built from it: all lengths are present and within
 * limits. */
#ifndef METERBEAT_CELERY_MSGPACK_SCAN_H
#define METERBEAT_CELERY_MSGPACK_SCAN_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/celery/codec.h"

/* msgpack-c's own limit: beyond it, it would fail without saying where. */
#define MSGPACK_SCAN_MAX_DEPTH 32

/*
 * Whether len bytes are exactly one value that a JSON value can hold (or bin), with str as map
 * keys. False: ERR_REJECT "bad_body" (cut off, shorter than announced, bytes after the end, ext, an
 * integer beyond int64, NaN or infinity, a key that is not a string), "too_deep", "too_large", each
 * with the offset. Neither allocates nor recurses.
 */
MUST_CHECK bool msgpack_scan(const char *bytes, size_t len, const struct codec_limits *limits,
                             struct err *e);

#endif
