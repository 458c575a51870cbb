/* How the starts of a feed's readings go together: what comes twice, contradicts, overlaps. */
#ifndef METERBEAT_CTL_INSPECT_STARTS_H
#define METERBEAT_CTL_INSPECT_STARTS_H

#include "common/espi/reader.h"

/* Readings that are kept to be compared, 40 bytes each; of a longer feed nothing is said. */
#define INSPECT_STARTS_MAX (4u << 20)

struct inspect_start {
    uint32_t group;
    uint32_t ordinal;
    int64_t start_s;
    int64_t duration_s;
    int64_t value;
    int32_t exponent;
    bool placed;
};

struct inspect_starts {
    struct inspect_start *items;
    size_t count;
    size_t room;
    bool too_many; /* more than INSPECT_STARTS_MAX, or than memory: none is kept */
};

/* Of one series, by the rules of a parse: of readings with one start all but one are too many. */
struct inspect_overlap {
    uint64_t repeated;     /* say the same again */
    uint64_t contradicted; /* say something else */
    uint64_t overlapping;  /* begin before the one before them ends */
    uint64_t outside;      /* begin before 1973 or after 2286 */
    uint64_t unplaced;     /* have no place in time */
};

void inspect_starts_add(struct inspect_starts *s, const struct espi_reading *r);
/* One a series of the finished feed, in its order, into `ret`; sorts. Nothing when too_many. */
void inspect_starts_count(struct inspect_starts *s, const struct espi *feed,
                          struct inspect_overlap *ret);
void inspect_starts_free(struct inspect_starts *s);

#endif
