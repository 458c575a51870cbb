/* Staging of one feed's readings: temporary tables on the task's own connection. */
#ifndef METERBEAT_STORE_STAGING_H
#define METERBEAT_STORE_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* A number the feed does not give; the same value as ESPI_ABSENT. */
#define STAGE_ABSENT INT64_MIN
/* Readings buffered between two COPYs; bounds memory, and the time between two safe points. */
#define STAGE_CHUNK 5000

struct stage; /* one thread; must not outlive its connection */

/* A reading as it arrives, before its unit or its series is known. */
struct stage_reading {
    uint32_t group;
    uint64_t entry; /* decides between two readings with one start; 0: none */
    uint32_t ordinal;
    int64_t start_s, duration_s, value, cost;
    int64_t value_exponent, cost_exponent; /* powers of ten of the value and of the cost */
    int64_t quality, tou, tier, cpp;       /* ESPI's codes, or STAGE_ABSENT */
    int64_t is_estimated; /* 1, 0, or STAGE_ABSENT: the feed does not say, but its type may */
    bool is_placed;       /* false: start_s is its block's, and `ordinal` intervals are added */
};

/* What a group was resolved to. */
struct stage_group {
    uint32_t group;
    uint64_t feed_series; /* which of the feed's series it belongs to */
    int64_t series_id;    /* 0: cannot be stored, readings are only counted */
    int64_t exponent;
    int64_t interval_s; /* STAGE_ABSENT: none */
    bool is_estimated;  /* for readings without a quality */
    bool is_summable;   /* amounts: those of a bill's length are bills */
    bool without_costs; /* some are unreadable: the others must not be summed */
};

/* The bill of a UsageSummary. */
struct stage_bill {
    int64_t series_id, start_s, length_s;
    int64_t value, exponent; /* STAGE_ABSENT: only an amount */
    int64_t cost;            /* in 1e-5 of the currency, or STAGE_ABSENT */
    int64_t updated_s;       /* of its entry, or STAGE_ABSENT */
};

/* The selection of staged readings. */
struct stage_window {
    int64_t from_s, to_s;
    int64_t bill_s; /* readings of at least this length are bills, not points */
};

struct stage_counts {
    int64_t readings, unresolved, unplaced, outside, points, bills, repeated, contradicted;
    /* steps of registers that are not amounts: down (a reset, a new meter), or up by more than 64
     * bits hold */
    int64_t fallen;
};

/* Empties the tables, or makes them if this connection has none. Errors: those of pg_query. Free
 * with stage_free (NULL is fine). */
MUST_CHECK bool stage_open(struct pg *p, struct stage **ret_stage, struct err *e);
void stage_freep(struct stage **s); /* for CLEANUP */
/* Buffers one; *ret_is_full: stage_flush is due (at STAGE_CHUNK). */
MUST_CHECK bool stage_reading(struct stage *s, const struct stage_reading *r, bool *ret_is_full,
                              struct err *e);
MUST_CHECK bool stage_entry(struct stage *s, uint64_t entry, int64_t updated_s, bool *ret_is_full,
                            struct err *e);
MUST_CHECK bool stage_group(struct stage *s, const struct stage_group *g, bool *ret_is_full,
                            struct err *e);
MUST_CHECK bool stage_bill(struct stage *s, const struct stage_bill *b, bool *ret_is_full,
                           struct err *e);
/* Writes the buffer. */
MUST_CHECK bool stage_flush(struct stage *s, struct err *e);
/*
 * When all groups are staged: series of the feed that map to the same series_id and contradict one
 * another are different meters. The first keeps it, the others lose theirs. *ret_refused = how
 * many.
 */
MUST_CHECK bool stage_refuse_mixed(struct stage *s, int64_t *ret_refused, struct err *e);
/* What readings of accumulation 1 hold. */
enum stage_register {
    STAGE_DELTAS,   /* they fall, or are all zero: amounts, whatever their label */
    STAGE_REGISTER, /* a meter's reading, which never falls and is far above its increases */
    STAGE_UNCLEAR,  /* too few or unchanging: either */
};
/* Decides by all staged readings of a series. */
MUST_CHECK bool stage_judge_register(struct stage *s, int64_t series_id,
                                     enum stage_register *ret_register, struct err *e);
/* After the decision: the points of the series are its differences; or it has none
 * (STAGE_UNCLEAR). */
MUST_CHECK bool stage_set_register(struct stage *s, int64_t series_id, enum stage_register is,
                                   struct err *e);
/* After that: counts readings inside and outside the window. */
MUST_CHECK bool stage_count(struct stage *s, const struct stage_window *w,
                            struct stage_counts *ret_counts, struct err *e);

struct stage_point {
    int64_t series_id, start_s, value, exponent;
    int64_t cost, cost_exponent;     /* 1e-5 of the currency, or STAGE_ABSENT */
    int64_t quality, tou, tier, cpp; /* ESPI's codes, or STAGE_ABSENT */
    int64_t length_s;                /* 0: not known */
    bool is_estimated;
};

/* A position among the points of a window. */
struct stage_mark {
    int64_t series_id, from_s;
};

#define STAGE_FINGERPRINT 64
/* A digest of all points of the window: equal only for equal points. Outside a transaction. */
MUST_CHECK bool stage_fingerprint(struct stage *s, const struct stage_window *w,
                                  char ret_text[STAGE_FINGERPRINT], struct err *e);
/*
 * The points of the window from a mark on (NULL: from the first), by series and start, each start
 * once: of two, the one whose entry was updated later, then the one that came later. Needs no open
 * transaction between calls.
 */
MUST_CHECK bool stage_points_open(struct stage *s, const struct stage_window *w,
                                  const struct stage_mark *mark, struct err *e);
/* The next at most `max` (up to STAGE_CHUNK); *ret_count 0 at the end. */
MUST_CHECK bool stage_points_next(struct stage *s, struct stage_point *ret_points, size_t max,
                                  size_t *ret_count, struct err *e);

/* What KairosDB returned for one local day of a series after it was written. */
struct stage_day {
    int64_t series_id, day_s, month_s, month_end_s;
    int64_t readings, costs;
    double total, cost_total;
    int64_t covered_s; /* STAGE_ABSENT: not known */
    int64_t gaps, estimated, first_s, end_s;
    bool is_part; /* another window wrote other readings of the day */
};
/* Buffered like readings. */
MUST_CHECK bool stage_day(struct stage *s, const struct stage_day *d, bool *ret_is_full,
                          struct err *e);
/* In the transaction that committed them: discards the staged days. */
MUST_CHECK bool stage_forget_days(struct stage *s, struct err *e);

#endif
