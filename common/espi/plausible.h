/* Detects implausible amounts and prices, and power that contradicts energy. Pure; changes nothing,
 * a person decides (`record set`). */
#ifndef METERBEAT_ESPI_PLAUSIBLE_H
#define METERBEAT_ESPI_PLAUSIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/espi/reader.h"

/* Sums are kept for the first groups of a feed only, so that memory is bounded. */
#define PLAUSIBLE_GROUPS 4096

/* Of the readings of one group that have a value; approximate. */
struct plausible_sums {
    uint64_t readings, untimed; /* untimed: those without a duration of their own */
    uint64_t unplaced;          /* without a start of their own */
    uint64_t used;              /* readings other than 0 */
    uint64_t used_untimed;
    double amount, amount_untimed; /* sum of the values; of those without a duration */
    double seconds;                /* total duration of the nonzero readings that have one */
    double amount_seconds;         /* sum of each value times its duration */
    double priced, price; /* sums of value and cost of the readings where both are above 0 */
    int64_t first_s, last_s;
    double last_value;
    bool has_fallen; /* not a register */
};

struct plausible {
    struct plausible_sums *groups;
    size_t count;
};

/* ERR_RETRY "no_memory". */
MUST_CHECK bool plausible_note(struct plausible *p, const struct espi_reading *r, struct err *e);
void plausible_free(struct plausible *p); /* also for CLEANUP */

/* A person's decisions about the feed, which are therefore not judged. */
struct plausible_decided {
    bool multiplier, cost_scale;
};

/* Adds the finished feed's problems "implausible_amount", "implausible_price" and
 * "power_disagrees", each with the line of the series' first readings. ERR_RETRY "no_memory". */
MUST_CHECK bool plausible_judge(const struct plausible *p, const struct plausible_decided *decided,
                                struct espi *feed, struct err *e);

/* The figure that was judged, for display: "1880 kW on average". */
#define PLAUSIBLE_FIGURE 64
/* Whether the sums of a series are plausible; for tests of the limits. True: they are, or it is
 * unknown; figure is then "". */
bool plausible_amount(const struct espi_series *s, const struct plausible_sums *sums,
                      char figure[PLAUSIBLE_FIGURE]);
bool plausible_price(const struct espi_series *s, const struct plausible_sums *sums,
                     char figure[PLAUSIBLE_FIGURE]);

#endif
