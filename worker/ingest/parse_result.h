/* The result of one parse or import: each step fills in its part. */
#ifndef METERBEAT_WORKER_INGEST_PARSE_RESULT_H
#define METERBEAT_WORKER_INGEST_PARSE_RESULT_H

#include <jansson.h>

#include "worker/ingest/request.h"

struct ingest_result {
    /* of resolve */
    struct staging_counts counts; /* of what was staged */
    size_t series;                /* that can be stored */
    char unresolved[INGEST_NOTE]; /* those that cannot, and why; "" */
    char skipped[INGEST_NOTE];    /* readings that are none, and why; "" */
    uint64_t skipped_readings;    /* how many */
    char told[INGEST_NOTE];       /* other problems of the feed; "" */
    bool has_registers;
    /* of write */
    int64_t points, costs; /* written to KairosDB and counted back */
    int64_t overlapping;   /* readings that begin before the one before them ends */
    /* of commit */
    int64_t bills, months; /* rows changed, months made dirty */
    json_t *returned;      /* what the task returns, as it was committed; owned */
};

/* What the task returns; new reference, NULL without memory. */
json_t *result_json(const struct ingest_request *r, const struct ingest_result *result);
/* The run's summary, in a sentence. */
#define RESULT_SUMMARY 2400
void result_summary(const struct ingest_request *r, const struct ingest_result *result,
                    char out[RESULT_SUMMARY]);
void result_free(struct ingest_result *result); /* for CLEANUP too */

#endif
