/* A person's corrections of what a feed gets wrong (`record set`, `import`), applied to what is
 * read. Pure. */
#ifndef METERBEAT_ESPI_CORRECTION_H
#define METERBEAT_ESPI_CORRECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/espi/feed_series.h"

/* As a person writes them; "" where nothing was decided. */
struct correction_words {
    const char *multiplier; /* "0": the power of ten (powerOfTenMultiplier) instead of the feed's */
    /* "0.001", "1/1000": the value of a cost of 1 in the currency; ESPI's is 0.00001 */
    const char *cost_scale;
    const char *shift;   /* "-3600": seconds added to each start; or "milliseconds" */
    const char *meter;   /* the usage point of readings that have none in the feed */
    const char *service; /* "gas": the service, whatever the feed says */
};

struct correction {
    bool has_multiplier, has_cost_scale;
    int64_t multiplier;
    int cost_exponent; /* -5 where nothing was decided */
    bool is_milliseconds;
    int64_t shift_s;
    const char *meter; /* NULL: none; borrowed from the words */
    int64_t service;   /* ESPI_ABSENT: none */
};

#define CORRECTION_METER 64 /* bytes of a name */
/* False: ERR_REJECT "bad_option"; the text lists the valid values. */
MUST_CHECK bool correction_read(const struct correction_words *words, struct correction *ret,
                                struct err *e);
/* Start and duration in seconds, the start shifted; ESPI_ABSENT is unchanged. */
int64_t correction_start(const struct correction *c, int64_t start);
int64_t correction_duration(const struct correction *c, int64_t duration);
/* The number to add to the power of ten of a reading's cost. */
int correction_cost_exponent(const struct correction *c);
/* A bill's amount in ESPI's 1e-5 of the currency, rounded; ESPI_ABSENT is unchanged, and is
 * returned if 64 bits cannot hold it. */
int64_t correction_cost(const struct correction *c, int64_t cost);
/* The series with the corrections applied; its texts are borrowed from both. */
struct espi_series correction_series(const struct correction *c, const struct espi_series *s);

#endif
