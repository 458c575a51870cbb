/* Staging of one feed's readings: temporary tables on the task's own connection. */
#ifndef METERBEAT_STORE_STAGING_H
#define METERBEAT_STORE_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* A number the feed does not give; the same value as ESPI_ABSENT. */
#define STAGING_ABSENT INT64_MIN
/* Readings buffered between two COPYs; bounds memory, and the time between two safe points. */
#define STAGING_CHUNK 5000

struct stage; /* one thread; must not outlive its connection */

/* A reading as it arrives, before its unit or its series is known. */
struct staging_reading {
    uint32_t group;
    uint64_t entry; /* decides between two readings with one start; 0: none */
    uint32_t ordinal;
    int64_t start_s, duration_s, value, cost;
    int64_t value_exponent, cost_exponent; /* powers of ten of the value and of the cost */
    int64_t quality, tou, tier, cpp;       /* ESPI's codes, or STAGING_ABSENT */
    int64_t is_estimated; /* 1, 0, or STAGING_ABSENT: the feed does not say, but its type may */
    bool is_placed;       /* false: start_s is its block's, and `ordinal` intervals are added */
};

/* What a group was resolved to. */
struct staging_group {
    uint32_t group;
    uint64_t feed_series; /* which of the feed's series it belongs to */
    int64_t series_id;    /* 0: cannot be stored, readings are only counted */
    int64_t exponent;
    int64_t interval_s; /* STAGING_ABSENT: none */
    bool is_estimated;  /* for readings without a quality */
    bool is_summable;   /* amounts: those of a bill's length are bills */
    bool without_costs; /* some are unreadable: the others must not be summed */
};

/* The bill of a UsageSummary. */
struct staging_bill {
    int64_t series_id, start_s, length_s;
    int64_t value, exponent; /* STAGING_ABSENT: only an amount */
    int64_t cost;            /* in 1e-5 of the currency, or STAGING_ABSENT */
    int64_t updated_s;       /* of its entry, or STAGING_ABSENT */
};

/* The selection of staged readings. */
struct staging_window {
    int64_t from_s, to_s;
    int64_t bill_s; /* readings of at least this length are bills, not points */
};

struct staging_counts {
    int64_t readings, unresolved, unplaced, outside, points, bills, repeated, contradicted;
    /* steps of registers that are not amounts: down (a reset, a new meter), or up by more than 64
     * bits hold */
    int64_t fallen;
};

/* Empties the tables, or makes them if this connection has none. Errors: those of pg_query. Free
 * with staging_free (NULL is fine). */
MUST_CHECK bool staging_open(struct pg *p, struct stage **ret_stage, struct err *e);
void staging_freep(struct stage **s); /* for CLEANUP */
/* Buffers one; *ret_is_full: staging_flush is due (at STAGING_CHUNK). */
MUST_CHECK bool staging_reading(struct stage *s, const struct staging_reading *r, bool *ret_is_full,
                                struct err *e);
MUST_CHECK bool staging_entry(struct stage *s, uint64_t entry, int64_t updated_s, bool *ret_is_full,
                              struct err *e);
MUST_CHECK bool staging_group(struct stage *s, const struct staging_group *g, bool *ret_is_full,
                              struct err *e);
MUST_CHECK bool staging_bill(struct stage *s, const struct staging_bill *b, bool *ret_is_full,
                             struct err *e);
/* Writes the buffer. */
MUST_CHECK bool staging_flush(struct stage *s, struct err *e);
/*
 * When all groups are staged: series of the feed that map to the same series_id and contradict one
 * another are different meters. The first keeps it, the others lose theirs. *ret_refused = how
 * many.
 */
MUST_CHECK bool staging_refuse_mixed(struct stage *s, int64_t *ret_refused, struct err *e);
/* What readings of accumulation 1 hold. */
enum staging_register {
    STAGING_DELTAS,   /* they fall, or are all zero: amounts, whatever their label */
    STAGING_REGISTER, /* a meter's reading, which never falls and is far above its increases */
    STAGING_UNCLEAR,  /* too few or unchanging: either */
};
/* Decides by all staged readings of a series. */
MUST_CHECK bool staging_judge_register(struct stage *s, int64_t series_id,
                                       enum staging_register *ret_register, struct err *e);
/* After the decision: the points of the series are its differences; or it has none
 * (STAGING_UNCLEAR). */
MUST_CHECK bool staging_set_register(struct stage *s, int64_t series_id, enum staging_register is,
                                     struct err *e);
/* After that: counts readings inside and outside the window. */
MUST_CHECK bool staging_count(struct stage *s, const struct staging_window *w,
                              struct staging_counts *ret_counts, struct err *e);

struct staging_point {
    int64_t series_id, start_s, value, exponent;
    int64_t cost, cost_exponent;     /* 1e-5 of the currency, or STAGING_ABSENT */
    int64_t quality, tou, tier, cpp; /* ESPI's codes, or STAGING_ABSENT */
    int64_t length_s;                /* 0: not known */
    bool is_estimated;
};

/* A position among the points of a window. */
struct staging_mark {
    int64_t series_id, from_s;
};

#define STAGING_FINGERPRINT 64
/* A digest of all points of the window: equal only for equal points. Outside a transaction. */
MUST_CHECK bool staging_fingerprint(struct stage *s, const struct staging_window *w,
                                    char ret_text[STAGING_FINGERPRINT], struct err *e);
/*
 * The points of the window from a mark on (NULL: from the first), by series and start, each start
 * once: of two, the one whose entry was updated later, then the one that came later. Needs no open
 * transaction between calls.
 */
MUST_CHECK bool staging_points_open(struct stage *s, const struct staging_window *w,
                                    const struct staging_mark *mark, struct err *e);
/* The next at most `max` (up to STAGING_CHUNK); *ret_count 0 at the end. */
MUST_CHECK bool staging_points_next(struct stage *s, struct staging_point *ret_points, size_t max,
                                    size_t *ret_count, struct err *e);

/* What KairosDB returned for one local day of a series after it was written. */
struct staging_day {
    int64_t series_id, day_s, month_s, month_end_s;
    int64_t readings, costs;
    double total, cost_total;
    int64_t covered_s; /* STAGING_ABSENT: not known */
    int64_t gaps, estimated, first_s, end_s;
    bool is_part; /* another window wrote other readings of the day */
};
/* Buffered like readings. */
MUST_CHECK bool staging_day(struct stage *s, const struct staging_day *d, bool *ret_is_full,
                            struct err *e);
/* In the transaction that committed them: discards the staged days. */
MUST_CHECK bool staging_forget_days(struct stage *s, struct err *e);

#endif
