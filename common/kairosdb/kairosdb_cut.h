/* How local days and months are asked of KairosDB, whose own rules of local time are those of its
 * release: in UTC, a row of local days of one length at a time. Pure. */
#ifndef METERBEAT_KAIROSDB_KAIROSDB_CUT_H
#define METERBEAT_KAIROSDB_KAIROSDB_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/timezone.h"
#include "common/kairosdb/kairosdb.h"

/* Days of one cut at most: bounds the answer. */
#define KAIROSDB_CUT_DAYS 400

/* Local days that follow one another, each length_s long: what one query can ask for. */
struct kairosdb_cut {
    int64_t from_s, to_s; /* the last day may end after to_s */
    int64_t length_s;     /* over 0 */
    int64_t day_s;        /* start of the first day; before from_s where from_s is within a day */
};

/*
 * The first cut of [from_s, to_s), from_s before to_s, into days of `zone`: whole days of one
 * length, at most KAIROSDB_CUT_DAYS; or one day alone that the ends make shorter. The next cut
 * begins at its to_s.
 */
struct kairosdb_cut kairosdb_cut_first(const struct timezone_rules *zone, int64_t from_s,
                                       int64_t to_s);
/* The start of the day that an instant of [from_s, to_s) is in. */
int64_t kairosdb_cut_day(const struct kairosdb_cut *cut, int64_t at_s);
/*
 * Adds a cut's days, in order and later than all that is there, to a list of days or months of
 * `zone`. False: ERR_RETRY "kairosdb_bad_answer", more than `max`.
 */
MUST_CHECK bool kairosdb_cut_add(const struct timezone_rules *zone, enum kairosdb_span span,
                                 const struct kairosdb_bucket *days, size_t days_count,
                                 struct kairosdb_bucket *buckets, size_t max, size_t *count,
                                 struct err *e);

#endif
