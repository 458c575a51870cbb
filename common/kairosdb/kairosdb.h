/*
 * A KairosDB client: writes points of one series, and reads sums and counts by local day or month.
 */
#ifndef METERBEAT_KAIROSDB_KAIROSDB_H
#define METERBEAT_KAIROSDB_KAIROSDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/timezone.h"
#include "common/config/settings.h"
#include "common/kairosdb/series_tags.h"

struct kairosdb; /* one persistent connection; one thread at a time */

struct kairosdb_point {
    int64_t start_s;
    double value;
};

/* Sum and count of one local day or month. */
struct kairosdb_bucket {
    int64_t start_s; /* local midnight; of the first for months */
    double sum;
    int64_t count;
};

/* The bucket with that start from a sorted list, or one without points. Pure. */
struct kairosdb_bucket kairosdb_bucket_at(const struct kairosdb_bucket *buckets, size_t count,
                                          int64_t start_s);
/*
 * Whether a sum from KairosDB equals the expected one. KairosDB adds doubles in time order as we
 * do, but not always to the same last bit. size: the sum of absolute values, to which the tolerance
 * is relative. Pure.
 */
bool kairosdb_same_sum(double shown, double expected, double size);

enum kairosdb_span { KAIROSDB_DAYS, KAIROSDB_MONTHS };

/*
 * Makes a client; it connects at its first use. should_stop (may be NULL) is called about every
 * second during a request; true aborts it. False: ERR_RETRY "no_memory". Free with kairosdb_close
 * (NULL is fine).
 */
MUST_CHECK bool kairosdb_open(const struct settings *s, bool (*should_stop)(void *context),
                              void *context, struct kairosdb **ret_kairosdb, struct err *e);
void kairosdb_close(struct kairosdb *k);
void kairosdb_closep(struct kairosdb **k); /* for CLEANUP */

/*
 * Writes points of `metric`, at most kairosdb.batch_points per request. True: answered with 204,
 * which does not prove that they are stored: count them back. False: ERR_RETRY
 * "kairosdb_unreachable", "kairosdb_timeout", "kairosdb_status" (any other status; after a 500 the
 * halves are tried separately), "kairosdb_stopped"; ERR_REJECT "kairosdb_refused" (400, with the
 * element it names), "bad_point" (a time or value that no reading can have).
 */
MUST_CHECK bool kairosdb_write(struct kairosdb *k, const char *metric,
                               const struct series_tags *tags, const struct kairosdb_point *points,
                               size_t count, struct err *e);
/*
 * Sums and counts of the series in [from_s, to_s), by local day or month of `zone`; buckets without
 * points are omitted. At most `max`. Makes one query per run of days of equal length, so a few per
 * year, and never uses KairosDB's own zone rules, which are as old as its release. False: as
 * kairosdb_write, or ERR_RETRY "kairosdb_bad_answer".
 */
MUST_CHECK bool kairosdb_sums(struct kairosdb *k, const char *metric,
                              const struct series_tags *tags, enum kairosdb_span span,
                              const struct timezone_rules *zone, int64_t from_s, int64_t to_s,
                              struct kairosdb_bucket *ret_buckets, size_t max, size_t *ret_count,
                              struct err *e);
/*
 * The stored points of the series in [from_s, to_s), in time order: at most `max`, which is at
 * least 2. *ret_next_s: start of the next page, or to_s. Two points within one second (for example
 * of different types) are both returned. False: as kairosdb_sums.
 */
MUST_CHECK bool kairosdb_points(struct kairosdb *k, const char *metric,
                                const struct series_tags *tags, int64_t from_s, int64_t to_s,
                                struct kairosdb_point *ret_points, size_t max, size_t *ret_count,
                                int64_t *ret_next_s, struct err *e);

#endif
