/* Days that KairosDB does not show as the books have them: parses that fetch them once more. */
#include "worker/reconcile/missing_days.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/store/backfill.h"
#include "worker/task/enqueue.h"

const char *repair_name(enum repair repair)
{
    static const char *const names[] = {
        [REPAIR_NONE] = "none",         [REPAIR_PROMISED] = "promised", [REPAIR_OPEN] = "open",
        [REPAIR_IMPORTED] = "imported", [REPAIR_PAUSED] = "paused",     [REPAIR_GONE] = "gone"};
    return names[repair];
}

/* One parse: days first..last of one record, to the end of the last. */
static bool shortfall_ask(const struct shortfall_order *o, const struct agreement_day *first,
                          const struct agreement_day *last, enum repair *ret_repair, struct err *e)
{
    struct task_context *t = o->task;
    char about[100], task_id[UUID_TEXT];
    bool is_promised = false, is_new = false;
    const struct promise promise = {.task_id = task_id,
                                    .record_id = first->book.record_id,
                                    .from_s = first->book.day_s,
                                    .to_s = last->end_s};
    if (!repair_is_promised(t->pg, promise.record_id, promise.from_s, promise.to_s, o->by_hand,
                            &is_promised, e))
        return false;
    *ret_repair = REPAIR_OPEN;
    if (is_promised)
        return true;
    snprintf(about, sizeof about, "record %" PRId64 " %" PRId64 " to %" PRId64, promise.record_id,
             promise.from_s, promise.to_s);
    run_child_id(t->message->id, about, task_id);
    if (!promise_parse(t, &promise, &is_new, e))
        return false;
    if (is_new)
        *ret_repair = REPAIR_PROMISED;
    return true;
}

static bool shortfall_mend(const struct shortfall_order *o, const struct agreement_day *first,
                           const struct agreement_day *last, enum repair *ret_repair, struct err *e)
{
    enum record_standing standing = RECORD_GONE;
    if (!record_standing(o->task->pg, first->book.record_id, &standing, e))
        return false;
    switch (standing) {
    case RECORD_IMPORTED:
        *ret_repair = REPAIR_IMPORTED;
        return true;
    case RECORD_PAUSED:
        *ret_repair = REPAIR_PAUSED;
        return true;
    case RECORD_GONE:
        *ret_repair = REPAIR_GONE;
        return true;
    default:
        return shortfall_ask(o, first, last, ret_repair, e);
    }
}

/* How many days from the first on go into one parse. */
static size_t shortfall_length(const struct shortfall_order *o, const struct agreement_day *days,
                               size_t count)
{
    size_t n = 1, most = (size_t)o->task->settings->feed.window_days;
    while (n < count && n < most && days[n].how >= o->least &&
           days[n].book.record_id == days[0].book.record_id &&
           days[n].book.day_s == days[n - 1].end_s)
        n++;
    return n;
}

static bool shortfall_all(const struct shortfall_order *o, const struct agreement_day *days,
                          size_t count, enum repair *ret_repairs, struct shortfall_tally *tally,
                          struct err *e)
{
    for (size_t i = 0, n; i < count; i += n) {
        enum repair repair = REPAIR_NONE;
        n = 1;
        if (days[i].how >= o->least) {
            n = shortfall_length(o, days + i, count - i);
            if (!shortfall_mend(o, &days[i], &days[i + n - 1], &repair, e))
                return false;
        }
        for (size_t day = i; day < i + n; day++)
            ret_repairs[day] = repair;
        tally->promised += repair == REPAIR_PROMISED;
        tally->hopeless += repair >= REPAIR_IMPORTED ? (int64_t)n : 0;
    }
    return true;
}

bool shortfall_promise(const struct shortfall_order *order, const struct agreement_day *days,
                       size_t count, enum repair *ret_repairs, struct shortfall_tally *tally,
                       struct err *e)
{
    struct pg *pg = order->task->pg;
    return task_begin(order->task, e) && shortfall_all(order, days, count, ret_repairs, tally, e) &&
           pg_commit(pg, e);
}
