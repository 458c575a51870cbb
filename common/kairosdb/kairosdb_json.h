/* KairosDB's request and answer bodies: pure, bytes to values and back. */
#ifndef METERBEAT_KAIROSDB_KAIROSDB_JSON_H
#define METERBEAT_KAIROSDB_KAIROSDB_JSON_H

#include "common/base/buf.h"
#include "common/kairosdb/kairosdb_cut.h"

/* Points appended as one element of the list that POST /datapoints takes. False: ERR_REJECT
 * "bad_point", or the buffer's errors. */
MUST_CHECK bool kairosdb_write_body(struct buf *b, const char *metric,
                                    const struct series_tags *tags,
                                    const struct kairosdb_point *points, size_t count,
                                    struct err *e);
/* The query for sums and for counts (in this order) of each day of a cut. */
MUST_CHECK bool kairosdb_query_body(struct buf *b, const char *metric,
                                    const struct series_tags *tags, const struct kairosdb_cut *cut,
                                    struct err *e);
/* The answer to that, sums and counts joined by the day their stamp is in, in order. False:
 * ERR_RETRY "kairosdb_bad_answer", also for a stamp outside of the cut. */
MUST_CHECK bool kairosdb_query_read(const char *json, size_t len, const struct kairosdb_cut *cut,
                                    struct kairosdb_bucket *ret_days, size_t max, size_t *ret_count,
                                    struct err *e);
/* The query for the first `limit` points of [from_s, to_s), as they are stored. */
MUST_CHECK bool kairosdb_points_body(struct buf *b, const char *metric,
                                     const struct series_tags *tags, int64_t from_s, int64_t to_s,
                                     size_t limit, struct err *e);
/* The answer to that, with limit = max; see kairosdb_points. False: ERR_RETRY
 * "kairosdb_bad_answer". */
MUST_CHECK bool kairosdb_points_read(const char *json, size_t len, int64_t to_s,
                                     struct kairosdb_point *ret_points, size_t max,
                                     size_t *ret_count, int64_t *ret_next_s, struct err *e);
/* The first of {"errors":[...]} into out, cut; "" when there is none. Returns out. */
const char *kairosdb_first_error(const char *json, size_t len, char *out, size_t size);

#endif
