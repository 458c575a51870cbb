/* What a document would change: compares its staged points with those in KairosDB. */
#ifndef METERBEAT_WORKER_INGEST_DIFF_H
#define METERBEAT_WORKER_INGEST_DIFF_H

#include "common/store/series_preview.h"
#include "worker/ingest/parse_result.h"
#include "worker/ingest/staged_feed.h"
#include "common/kairosdb/series_tags.h"

struct diff_counts {
    int64_t added;     /* not stored yet */
    int64_t equal;     /* stored just so */
    int64_t corrected; /* stored with another value or cost */
    int64_t
        missing; /* stored between the first and the last of the document, and not in it: kept */
};

/* A month whose sum would be another one. */
struct diff_month {
    int64_t start_s, end_s;
    int64_t added, corrected;
    double before, after; /* in the unit of the meter's sums; before: what KairosDB shows now */
    double cost_before, cost_after;
};

struct diff_series {
    const struct series_preview *draft;
    const struct series_tags *tags;
    const struct timezone_rules *zone; /* of the series' months */
    struct diff_counts counts;
    const struct diff_month *months; /* in order; only of a series that is summed */
    size_t months_count;
};

struct diff_sink {
    /* Once a series, by id; borrowed for the call. */
    bool (*series)(void *context, const struct diff_series *series, struct err *e);
    void *context;
};

/* The staged points of a parse whose series are drafts. Memory grows neither with the document nor
 * with what is stored. Errors: those of kairosdb_points, kairosdb_sums, pg_query, or the sink's. */
MUST_CHECK bool diff_points(const struct ingest_request *r, struct staged_feed *feed,
                            const struct ingest_result *result, const struct diff_sink *sink,
                            struct err *e);

#endif
