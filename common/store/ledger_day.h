/* meterbeat.day, the ledger: what KairosDB returned for a local day of a series when it was last
 * written. */
#ifndef METERBEAT_STORE_LEDGER_DAY_H
#define METERBEAT_STORE_LEDGER_DAY_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* In the task's transaction: the months of staged days that differ from the ledger become dirty
 * (only of series that are summed). Call before ledger_day_write. */
MUST_CHECK bool ledger_day_dirty_months(struct pg *p, int64_t *ret_months, struct err *e);
/* In the task's transaction: the dirty months of staged days count as written just now. For a
 * backfill, whose sums equal the ledger's: the points it wrote again can be lost like new ones. */
MUST_CHECK bool ledger_day_refresh_months(struct pg *p, struct err *e);
/* The source of staged days. */
struct ledger_day_source {
    int64_t record_id;
    int64_t generation; /* of the corrections applied when reading (record_option.h) */
    /* an unchanged day keeps its record, which can be fetched again, unlike this one */
    bool is_manual;
};
/* In the task's transaction: writes staged days to the ledger, which series have costs, and how
 * much of their months the readings cover (meterbeat.coverage). */
MUST_CHECK bool ledger_day_write(struct pg *p, const struct ledger_day_source *from, struct err *e);

struct ledger_day_write {
    int64_t day_s, readings, costs;
    double total, cost_total;
    int64_t record_id; /* the record to fetch the day from again */
};
/* The ledger of one series in [from_s, to_s), in order, at most `max`. */
MUST_CHECK bool ledger_day_list(struct pg *p, int64_t series_id, int64_t from_s, int64_t to_s,
                                struct ledger_day_write *ret_days, size_t max, size_t *ret_count,
                                struct err *e);

#endif
