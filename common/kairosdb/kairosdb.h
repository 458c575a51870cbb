/* KairosDB over HTTP: writes points of one series, and reads back sums and counts by day or month.
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

struct kairosdb; /* one keep-alive connection; one thread */

struct kairosdb_point {
    int64_t start_s;
    double value;
};

/* Sum and count of one local day or month. */
struct kairosdb_bucket {
    int64_t start_s; /* local midnight, of the first for months */
    double sum;
    int64_t count;
};

/* The bucket of that start in a list in order; one without points where there is none. Pure. */
struct kairosdb_bucket kairosdb_bucket_at(const struct kairosdb_bucket *buckets, size_t count,
                                          int64_t start_s);
/* Whether a sum that KairosDB shows is the one expected: it adds doubles in time order as we do,
 * but not always to the same last bit. size: the sum of absolute values, which the tolerance is
 * relative to. Pure. */
bool kairosdb_same_sum(double shown, double expected, double size);

enum kairosdb_span { KAIROSDB_DAYS, KAIROSDB_MONTHS };

/* should_stop (may be NULL) is asked about every second during a request; true ends it. Connects at
 * first use. False: ERR_RETRY "no_memory". Free with kairosdb_close (NULL is fine). */
MUST_CHECK bool kairosdb_open(const struct settings *s, bool (*should_stop)(void *context),
                              void *context, struct kairosdb **ret_kairosdb, struct err *e);
void kairosdb_close(struct kairosdb *k);
void kairosdb_closep(struct kairosdb **k); /* for CLEANUP */

/*
 * Writes points of `metric`, at most kairosdb.batch_points a request. True = answered 204, which is
 * not yet stored: count back. False: ERR_RETRY "kairosdb_unreachable", "kairosdb_timeout",
 * "kairosdb_status" (any other status, halves tried apart after a 500), "kairosdb_stopped";
 * ERR_REJECT "kairosdb_refused" (400, with the element it names), "bad_point" (time or value no
 * reading can have).
 */
MUST_CHECK bool kairosdb_write(struct kairosdb *k, const char *metric,
                               const struct series_tags *tags, const struct kairosdb_point *points,
                               size_t count, struct err *e);
/*
 * Sums and counts of the series in [from_s, to_s), cut into local days or months of `zone`; buckets
 * without points are absent. At most `max`. One query for each row of days of one length, so a few
 * a year: KairosDB's own rules of local time, those of its release, are never asked. False: as
 * kairosdb_write, or ERR_RETRY "kairosdb_bad_answer".
 */
MUST_CHECK bool kairosdb_sums(struct kairosdb *k, const char *metric,
                              const struct series_tags *tags, enum kairosdb_span span,
                              const struct timezone_rules *zone, int64_t from_s, int64_t to_s,
                              struct kairosdb_bucket *ret_buckets, size_t max, size_t *ret_count,
                              struct err *e);
/*
 * The stored points of the series in [from_s, to_s), in order of time, from the first on: at most
 * `max`, 2 at least. *ret_next_s: where the next page begins; to_s when there is none. Two points
 * in one second (of another type, say) are both there. False: as kairosdb_sums.
 */
MUST_CHECK bool kairosdb_points(struct kairosdb *k, const char *metric,
                                const struct series_tags *tags, int64_t from_s, int64_t to_s,
                                struct kairosdb_point *ret_points, size_t max, size_t *ret_count,
                                int64_t *ret_next_s, struct err *e);

#endif
