/* Queries local days and months from KairosDB in UTC, by runs of local days of equal length,
 * because KairosDB's own zone rules are as old as its release. Pure. */
#ifndef METERBEAT_KAIROSDB_KAIROSDB_CUT_H
#define METERBEAT_KAIROSDB_KAIROSDB_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/timezone.h"
#include "common/kairosdb/kairosdb.h"

/* Maximum days of one cut; bounds the answer. */
#define KAIROSDB_CUT_DAYS 400

/* Consecutive local days of length_s each: what one query can cover. */
struct kairosdb_cut {
    int64_t from_s, to_s; /* the last day may end after to_s */
    int64_t length_s;     /* above 0 */
    int64_t day_s;        /* start of the first day; before from_s if from_s is within a day */
};

/*
 * The first cut of [from_s, to_s), with from_s before to_s, into days of `zone`: whole days of
 * equal length, at most KAIROSDB_CUT_DAYS, or one day by itself that the ends shorten. The next cut
 * begins at its to_s.
 */
struct kairosdb_cut kairosdb_cut_first(const struct timezone_rules *zone, int64_t from_s,
                                       int64_t to_s);
/* The start of the day that contains an instant of [from_s, to_s). */
int64_t kairosdb_cut_day(const struct kairosdb_cut *cut, int64_t at_s);
/* Appends a cut's days to a list of days or months of `zone`; they are in order, and later than
 * those in the list. False: ERR_RETRY "kairosdb_bad_answer" if there are more than `max`. */
MUST_CHECK bool kairosdb_cut_add(const struct timezone_rules *zone, enum kairosdb_span span,
                                 const struct kairosdb_bucket *days, size_t days_count,
                                 struct kairosdb_bucket *buckets, size_t max, size_t *count,
                                 struct err *e);

#endif
