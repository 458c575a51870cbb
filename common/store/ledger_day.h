/* meterbeat.day: what KairosDB showed for a local day of a series when it was last written. */
#ifndef METERBEAT_STORE_LEDGER_DAY_H
#define METERBEAT_STORE_LEDGER_DAY_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* Inside the task's transaction: the months of staged days that differ from their books become
 * dirty (only series that are summed). Before day_book. */
MUST_CHECK bool day_dirty_months(struct pg *p, int64_t *ret_months, struct err *e);
/* Inside the task's transaction: the dirty months of staged days count as written just now. For a
 * repair, whose sums are those of the books: what it wrote again is as easily lost as new. */
MUST_CHECK bool day_refresh_months(struct pg *p, struct err *e);
/* Whose readings are booked. */
struct day_source {
    int64_t record_id;
    int64_t generation; /* of the corrections they were read with (record_option.h) */
    bool by_hand; /* a day that is what it was keeps its record, which may be asked again as this
                     one cannot */
};
/* Inside the task's transaction: staged days into the books, which series have costs, and how much
 * of their months the readings cover (meterbeat.coverage). */
MUST_CHECK bool day_book(struct pg *p, const struct day_source *from, struct err *e);

struct day_book {
    int64_t day_s, readings, costs;
    double total, cost_total;
    int64_t record_id; /* whom to ask again */
};
/* The books of one series in [from_s, to_s), in order, at most `max`. */
MUST_CHECK bool day_list(struct pg *p, int64_t series_id, int64_t from_s, int64_t to_s,
                         struct day_book *ret_days, size_t max, size_t *ret_count, struct err *e);

#endif
