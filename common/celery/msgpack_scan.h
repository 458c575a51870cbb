/* Looks a msgpack value over before anything is built from it: every length is there, within
 * limits. */
#ifndef METERBEAT_CELERY_MSGPACK_SCAN_H
#define METERBEAT_CELERY_MSGPACK_SCAN_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/celery/codec.h"

/* msgpack-c's own stack: deeper than this it would refuse without saying where. */
#define MSGPACK_SCAN_MAX_DEPTH 32

/*
 * Exactly one value of len bytes, made of what a JSON value can hold (and bin), its map keys str.
 * False: ERR_REJECT "bad_body" (cut short, announced longer than it is, bytes after the end, ext,
 * an integer beyond int64, NaN or infinity, a key that is no string), "too_deep", "too_large", each
 * with the offset. Allocates nothing, recurses nowhere.
 */
MUST_CHECK bool msgpack_scan(const char *bytes, size_t len, const struct codec_limits *limits,
                             struct err *e);

#endif
