/* KairosDB's request and response bodies. Pure. */
#ifndef METERBEAT_KAIROSDB_KAIROSDB_JSON_H
#define METERBEAT_KAIROSDB_KAIROSDB_JSON_H

#include "common/base/buf.h"
#include "common/kairosdb/kairosdb_cut.h"

/* Appends points as one element of the list that POST /datapoints takes. False: ERR_REJECT
 * "bad_point", or the buffer's errors. */
MUST_CHECK bool kairosdb_write_body(struct buf *b, const char *metric,
                                    const struct series_tags *tags,
                                    const struct kairosdb_point *points, size_t count,
                                    struct err *e);
/* The query for the sums and the counts (in this order) of each day of a cut. */
MUST_CHECK bool kairosdb_query_body(struct buf *b, const char *metric,
                                    const struct series_tags *tags, const struct kairosdb_cut *cut,
                                    struct err *e);
/* Parses the answer to that: sums and counts joined by the day that contains their timestamp, in
 * order. False: ERR_RETRY "kairosdb_bad_answer", also for a timestamp outside the cut. */
MUST_CHECK bool kairosdb_query_read(const char *json, size_t len, const struct kairosdb_cut *cut,
                                    struct kairosdb_bucket *ret_days, size_t max, size_t *ret_count,
                                    struct err *e);
/* The query for the first `limit` points of [from_s, to_s), as they are stored. */
MUST_CHECK bool kairosdb_points_body(struct buf *b, const char *metric,
                                     const struct series_tags *tags, int64_t from_s, int64_t to_s,
                                     size_t limit, struct err *e);
/* Parses the answer to that, with limit = max; see kairosdb_points. False: ERR_RETRY
 * "kairosdb_bad_answer". */
MUST_CHECK bool kairosdb_points_read(const char *json, size_t len, int64_t to_s,
                                     struct kairosdb_point *ret_points, size_t max,
                                     size_t *ret_count, int64_t *ret_next_s, struct err *e);
/* Copies the first of {"errors":[...]} to out, truncated; "" if there is none. Returns out. */
const char *kairosdb_first_error(const char *json, size_t len, char *out, size_t size);

#endif
