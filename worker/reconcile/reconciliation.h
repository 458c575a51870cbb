/* Whether KairosDB shows the local days of a series as the books have them. */
#ifndef METERBEAT_WORKER_RECONCILE_RECONCILIATION_H
#define METERBEAT_WORKER_RECONCILE_RECONCILIATION_H

#include "common/base/timezone.h"
#include "common/store/ledger_day.h"
#include "common/kairosdb/kairosdb.h"

/* Worst last. */
enum agreement {
    AGREEMENT_SAME,
    AGREEMENT_MORE,  /* points that no books have: somebody else's, or of a worker that died */
    AGREEMENT_OTHER, /* as many points, another sum */
    AGREEMENT_LESS,  /* KairosDB lost some */
};
/* "same", "more", "other", "less". */
const char *agreement_name(enum agreement how);

/* What is asked, and of whom; borrowed. */
struct agreement_source {
    struct pg *pg;
    struct kairosdb *kairosdb;
    const char *metric, *cost_metric;
    const struct timezone_rules *zone;
};

struct agreement_series {
    int64_t id;
    const struct series_tags *tags;
    bool has_cost;
    int64_t record_id; /* whom to ask for days that are not in the books */
};

struct agreement_day {
    struct day_book book; /* readings and costs 0: not in the books */
    int64_t end_s;
    struct kairosdb_bucket value, cost; /* what KairosDB shows */
    enum agreement how;
};

/* How what KairosDB shows stands to a count and a sum; size: as of kairosdb_same_sum. Pure. */
enum agreement agreement_of(const struct kairosdb_bucket *shown, int64_t count, double sum,
                            double size);
/*
 * The days of [from_s, to_s), whole local days and at most `max` of them, that the books or
 * KairosDB have, in order. False: ERR_RETRY "kairosdb_bad_answer", "no_memory"; those of
 * kairosdb_sums and pg_query.
 */
MUST_CHECK bool agreement_days(const struct agreement_source *source,
                               const struct agreement_series *series, int64_t from_s, int64_t to_s,
                               struct agreement_day *ret_days, size_t max, size_t *ret_count,
                               struct err *e);

#endif
