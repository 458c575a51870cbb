/* Months: which are dirty (meterbeat.dirty_month), and their sums in seed_timeseries. */
#ifndef METERBEAT_STORE_MONTH_H
#define METERBEAT_STORE_MONTH_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

struct month {
    int64_t series_id, meter_id;
    int64_t start_s, end_s;
    char time_zone[64];            /* of the series; "": the configured one */
    double numerator, denominator; /* from the uom of KairosDB to the unit of seed_timeseries */
    int64_t generation;            /* of the dirty row; 0: there is none */
    bool is_settled; /* last written longer ago than settle_s: KairosDB will not lose it any more */
    bool has_cost;   /* of the series */
    /* The ledger's total for a month; size: the sum of absolute daily sums, for tolerances. */
    int64_t readings, costs;
    double total, size, cost_total, cost_size;
};

/* The sum of one month. */
struct month_sum {
    double reading;
    double cost;
    bool has_cost;
};

/*
 * At most `max` months after (series_id, start_s), in that order: dirty ones that ended by
 * ended_by_s, or, with a building, all of that building's dirty months including the current one.
 * building_id NULL: all buildings.
 */
struct month_question {
    const char *building_id;
    int64_t ended_by_s, settle_s;
    int64_t after_series, after_start_s;
};
MUST_CHECK bool month_dirty(struct pg *p, const struct month_question *q, struct month *ret_months,
                            size_t max, size_t *ret_count, struct err *e);
/* In a transaction, until its end: locks the dirty month. *ret_held false: it has changed since it
 * was read, or somebody else has summed it; then what was read about it is stale. */
MUST_CHECK bool month_hold(struct pg *p, const struct month *m, bool *ret_held, struct err *e);
/*
 * In the same transaction: writes the sum to seed_timeseries, one row per (meter, begin, end),
 * whatever else writes rows of that meter (meter_hold). Rows that SEED's own aggregation made for
 * the month, and duplicates, become that row.
 */
MUST_CHECK bool month_write(struct pg *p, const struct month *m, const struct month_sum *sum,
                            struct err *e);
/* In the same transaction: the month is no longer dirty, unless it changed since it was read. */
MUST_CHECK bool month_clean(struct pg *p, const struct month *m, struct err *e);
/* In the task's transaction: writes the window's staged bills, and those of usage summaries, to
 * seed_timeseries, converted to its unit, each once whatever else writes rows of their meters. */
MUST_CHECK bool month_store_bills(struct pg *p, int64_t to_s, int64_t bill_s, int64_t *ret_bills,
                                  struct err *e);
/* A preview of month_store_bills, for staged bills whose series are drafts (series_preview.h). */
struct month_bills {
    int64_t added, equal, corrected;
};
MUST_CHECK bool month_compare_bills(struct pg *p, int64_t to_s, int64_t bill_s,
                                    struct month_bills *ret_bills, struct err *e);

#endif
