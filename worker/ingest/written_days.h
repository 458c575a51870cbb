/* The local days of one series that were written but not counted back yet: counts, sums and
 * coverage. Pure. */
#ifndef METERBEAT_WORKER_INGEST_WRITTEN_DAYS_H
#define METERBEAT_WORKER_INGEST_WRITTEN_DAYS_H

#include "common/base/timezone.h"
#include "common/kairosdb/kairosdb.h"
#include "common/store/staging.h"

/* Days of one series written between two counts: bounds memory and the answer. */
#define WRITTEN_DAYS 400
/* ... and points, if a day ends in between: what may have to be written once more. */
#define WRITTEN_POINTS 20000

/* The metrics of a reading: its value, and what only some have. */
enum metric_of { VALUE, COST, QUALITY, TOU, TIER, CPP, METRICS };

/* What was written of one metric on one local day. */
struct written {
    int64_t count;
    double sum, size; /* size: the sum of absolute values, what a tolerance is relative to */
};

struct written_day {
    int64_t start_s, end_s;
    struct written of[METRICS];
    int64_t covered_s; /* seconds, each once; by the day its reading begins in, as the sum is */
    int64_t gaps, estimated, first_s, covered_end_s;
};

struct written_days {
    const struct timezone_rules *zone; /* of the series; borrowed */
    int64_t covered_end_s;             /* of the series, so far; 0: nothing */
    int64_t overlapping; /* readings that begin before the one before them ends, of all series */
    struct written_day days[WRITTEN_DAYS];
    size_t count;
    int64_t points;
};

/* Starts a series, without days; covered_end_s: where a checkpoint left it, or 0. */
void written_days_begin(struct written_days *w, const struct timezone_rules *zone,
                        int64_t covered_end_s);
/* The day of a point: the last one, or a new one. NULL: full, count the days back first. Points
 * come in order of their starts. */
struct written_day *written_days_at(struct written_days *w, int64_t start_s);
/* Forgets the days, after they were counted back. */
void written_days_clear(struct written_days *w);
/* Adds what a point covers, before its value is added. What an earlier reading covers counts once.
 */
void written_days_cover(struct written_days *w, struct written_day *day,
                        const struct staging_point *p);
void written_add(struct written *written, double value);
/* Whether KairosDB has what was written. More is fine: another window wrote the rest of the day. */
bool written_is_shown(const struct written *written, const struct kairosdb_bucket *shown);
/* The day's row of the ledger, with what KairosDB returned. If another window wrote other readings
 * of the day, coverage is what as many readings of this length cover. */
struct staging_day written_day_row(const struct written_day *day, const struct timezone_rules *zone,
                                   int64_t series_id, const struct kairosdb_bucket *value,
                                   const struct kairosdb_bucket *cost);

#endif
