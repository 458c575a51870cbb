/* Days that KairosDB does not show as the ledger has them: parses that fetch them once more. */
#ifndef METERBEAT_WORKER_RECONCILE_MISSING_DAYS_H
#define METERBEAT_WORKER_RECONCILE_MISSING_DAYS_H

#include "common/store/record.h"
#include "worker/reconcile/reconciliation.h"
#include "worker/task/task.h"

/* What became of a day that differs. */
enum backfill {
    BACKFILL_NONE,     /* it agrees, or differs in a way that is is not ours to fetch again */
    BACKFILL_ENQUEUED, /* a parse of it is in the outbox now */
    BACKFILL_OPEN,     /* one was under way already, or lately */
    BACKFILL_IMPORTED, /* its record is a file that a person imported: import it again */
    BACKFILL_PAUSED,   /* its record is not active */
    BACKFILL_GONE,     /* its record is not there any more */
};
/* "promised", "open", ...: what `audit --json` says. */
const char *backfill_name(enum backfill backfill);

struct backfill_tally {
    int64_t enqueued;    /* parses */
    int64_t unreachable; /* days whose record cannot be fetched again */
};

struct backfill_order {
    struct task_context *task; /* its message is the parent of the parses and owns them */
    enum reconciliation least; /* what counts: a day that agrees no better than this */
    bool is_manual;            /* also what was fetched again a moment ago */
};

/*
 * In one transaction: parses of the days of one series that differ, one for days that follow one
 * another and come of one record, of at most feed.window_days. ret_backfills[i]: what became of
 * days[i]. Errors: those of enqueue_parse, backfill_is_enqueued, record_standing.
 */
MUST_CHECK bool missing_days_enqueue(const struct backfill_order *order,
                                     const struct reconciled_day *days, size_t count,
                                     enum backfill *ret_backfills, struct backfill_tally *tally,
                                     struct err *e);

#endif
