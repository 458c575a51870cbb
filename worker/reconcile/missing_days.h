/* Days that KairosDB does not show as the books have them: parses that fetch them once more. */
#ifndef METERBEAT_WORKER_RECONCILE_MISSING_DAYS_H
#define METERBEAT_WORKER_RECONCILE_MISSING_DAYS_H

#include "common/store/record.h"
#include "worker/reconcile/reconciliation.h"
#include "worker/task/task.h"

/* What became of a day that differs. */
enum repair {
    REPAIR_NONE,     /* it agrees, or differs in a way that is none of ours to mend */
    REPAIR_PROMISED, /* a parse of it is in the outbox now */
    REPAIR_OPEN,     /* one was under way already, or lately */
    REPAIR_IMPORTED, /* its record is a file that was read by hand: import it again */
    REPAIR_PAUSED,   /* its record is not active */
    REPAIR_GONE,     /* its record is not there any more */
};
/* "promised", "open", ... */
const char *repair_name(enum repair repair);

struct shortfall_tally {
    int64_t promised; /* parses */
    int64_t hopeless; /* days whose record cannot be asked again */
};

struct shortfall_order {
    struct task_context *task; /* its message is the parent of the parses and owns them */
    enum agreement least;      /* what counts: a day that agrees no better than this */
    bool by_hand;              /* asked for again however lately it was */
};

/*
 * In one transaction: parses of the days of one series that differ, one for days that follow one
 * another and come of one record, of at most feed.window_days. ret_repairs[i]: what became of
 * days[i]. Errors: those of promise_parse, repair_is_promised, record_standing.
 */
MUST_CHECK bool shortfall_promise(const struct shortfall_order *order,
                                  const struct agreement_day *days, size_t count,
                                  enum repair *ret_repairs, struct shortfall_tally *tally,
                                  struct err *e);

#endif
