/* Whether KairosDB shows the local days of a series as the ledger has them. */
#ifndef METERBEAT_WORKER_RECONCILE_RECONCILIATION_H
#define METERBEAT_WORKER_RECONCILE_RECONCILIATION_H

#include "common/base/timezone.h"
#include "common/store/ledger_day.h"
#include "common/kairosdb/kairosdb.h"

/* Worst last. */
enum reconciliation {
    RECONCILED_SAME,
    RECONCILED_MORE,  /* points that the ledger does not have: somebody else's, or of a worker that
                         died */
    RECONCILED_OTHER, /* as many points, another sum */
    RECONCILED_LESS,  /* KairosDB lost some */
};
/* "same", "more", "other", "less". */
const char *reconciliation_name(enum reconciliation how);

/* What is queried, and where; borrowed. */
struct reconcile_source {
    struct pg *pg;
    struct kairosdb *kairosdb;
    const char *metric, *cost_metric;
    const struct timezone_rules *zone;
};

struct reconcile_series {
    int64_t id;
    const struct series_tags *tags;
    bool has_cost;
    int64_t record_id; /* from which to fetch days that are not in the ledger */
};

struct reconciled_day {
    struct ledger_day_write book; /* readings and costs 0: not in the ledger */
    int64_t end_s;
    struct kairosdb_bucket value, cost; /* what KairosDB shows */
    enum reconciliation how;
};

/* Compares what KairosDB shows with a count and a sum; size: as of kairosdb_same_sum. Pure. */
enum reconciliation reconciliation_of(const struct kairosdb_bucket *shown, int64_t count,
                                      double sum, double size);
/*
 * The days of [from_s, to_s), whole local days and at most `max` of them, that the ledger or
 * KairosDB have, in order. False: ERR_RETRY "kairosdb_bad_answer", "no_memory"; those of
 * kairosdb_sums and pg_query.
 */
MUST_CHECK bool reconcile_days(const struct reconcile_source *source,
                               const struct reconcile_series *series, int64_t from_s, int64_t to_s,
                               struct reconciled_day *ret_days, size_t max, size_t *ret_count,
                               struct err *e);

#endif
