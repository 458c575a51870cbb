/* What a person says a feed gets wrong (`record set`, `import`), applied to what is read of it.
 * Pure. */
#ifndef METERBEAT_ESPI_CORRECTION_H
#define METERBEAT_ESPI_CORRECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/espi/feed_series.h"

/* As a person writes them; "" where nothing is said. */
struct correction_words {
    const char *multiplier; /* "0": ESPI's powerOfTenMultiplier, in place of the feed's */
    const char *cost_scale; /* "0.001", "1/1000": what a cost of 1 is worth; ESPI's is 0.00001 */
    const char *shift;      /* "-3600": seconds added to each start; or "milliseconds" */
    const char *meter;      /* the usage point of readings that the feed gives none */
    const char *service;    /* "gas": what is metered, whatever the feed says */
};

struct correction {
    bool has_multiplier, has_cost_scale;
    int64_t multiplier;
    int cost_exponent; /* -5 where nothing is said */
    bool is_milliseconds;
    int64_t shift_s;
    const char *meter; /* NULL: none; borrowed from the words */
    int64_t service;   /* ESPI_ABSENT: none */
};

#define CORRECTION_METER 64 /* bytes of a name */
/* False: ERR_REJECT "bad_option", with what may stand there. */
MUST_CHECK bool correction_read(const struct correction_words *words, struct correction *ret,
                                struct err *e);
/* Start and duration in seconds, the start shifted; ESPI_ABSENT stays. */
int64_t correction_start(const struct correction *c, int64_t start);
int64_t correction_duration(const struct correction *c, int64_t duration);
/* What is to be added to the power of ten of a reading's cost. */
int correction_cost_exponent(const struct correction *c);
/* A bill's amount in ESPI's hundred-thousandths of the currency, rounded to them; ESPI_ABSENT
 * stays, and stands for what no 64 bits hold. */
int64_t correction_cost(const struct correction *c, int64_t cost);
/* The series as it is taken. Its texts are borrowed from both. */
struct espi_series correction_series(const struct correction *c, const struct espi_series *s);

#endif
