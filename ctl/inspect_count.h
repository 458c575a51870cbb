/* Exact counts and sums of readings, kept by group while a feed is read and joined by series at its
 * end. */
#ifndef METERBEAT_CTL_INSPECT_COUNT_H
#define METERBEAT_CTL_INSPECT_COUNT_H

#include "common/espi/reader.h"
#include "ctl/inspect_starts.h"

__extension__ typedef __int128 inspect_sum; /* 2^63 readings of 2^63 fit */

/* An exact sum of decimals. */
struct inspect_total {
    uint64_t count;
    inspect_sum sum; /* times 10^exponent */
    int32_t exponent;
    bool too_large; /* for 128 bits: no sum */
};

struct inspect_count {
    uint64_t readings;
    struct inspect_total values;
    struct inspect_total costs;
    struct inspect_overlap starts; /* once they are counted */
    int64_t first_start;           /* ESPI_ABSENT: none */
    int64_t last_start;
    struct espi_reading
        last_unplaced; /* of the block that begins last; ordinal decides among its readings */
};

/* Grows with the number of groups, which the reader bounds. */
struct inspect_counts {
    struct inspect_count *items;
    size_t count;
    struct inspect_starts starts;
};

void inspect_total_add(struct inspect_total *t, int64_t value, int32_t exponent);

/* The sink of a feed: context is a struct inspect_counts. ERR_RETRY "no_memory". */
MUST_CHECK bool inspect_count_reading(void *context, const struct espi_reading *r, struct err *e);
/* One count a series of the finished feed, in its order; caller frees. NULL: no memory. */
struct inspect_count *inspect_count_join(struct inspect_counts *groups, const struct espi *feed);
void inspect_counts_free(struct inspect_counts *c);

/* A sum in decimal. */
#define INSPECT_SUM_TEXT 48
const char *inspect_sum_text(inspect_sum sum, char text[INSPECT_SUM_TEXT]);

#endif
