/* `audit`: what differs between the books and KairosDB, and how it is printed. */
#ifndef METERBEAT_CTL_CMD_AUDIT_H
#define METERBEAT_CTL_CMD_AUDIT_H

#include "common/store/series.h"
#include "worker/reconcile/missing_days.h"
#include "ctl/progress.h"
#include "ctl/table.h"

/* One day that differs. */
struct audit_row {
    const struct series_ledger *series;
    const struct series_tags *tags;
    const struct reconciled_day *day;
    enum backfill backfill;
};

struct audit_tally {
    int64_t series, days;
    int64_t less, other, more;
    struct backfill_tally backfills;
};

/* Rows are printed a table at a time: memory does not grow with their number. */
struct audit_print {
    bool json, repair;
    const struct timezone_rules *zone;
    struct progress *progress; /* taken away while something is printed */
    struct table table;
};

struct audit_print audit_print_make(bool json, bool repair, const struct timezone_rules *zone,
                                    struct progress *progress);
/* False: ERR_RETRY "no_memory". */
MUST_CHECK bool audit_print_row(struct audit_print *p, const struct audit_row *row, struct err *e);
MUST_CHECK bool audit_print_end(struct audit_print *p, const struct audit_tally *tally,
                                struct err *e);
void audit_print_free(struct audit_print *p); /* for CLEANUP too */

#endif
