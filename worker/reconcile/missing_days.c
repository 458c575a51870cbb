/* Days that KairosDB does not show as the ledger has them: parses that fetch them once more. */
#include "worker/reconcile/missing_days.h"

#include "common/store/backfill.h"
#include "worker/task/enqueue.h"

const char *backfill_name(enum backfill backfill)
{
    static const char *const names[] = {
        [BACKFILL_NONE] = "none",     [BACKFILL_ENQUEUED] = "promised",
        [BACKFILL_OPEN] = "open",     [BACKFILL_IMPORTED] = "imported",
        [BACKFILL_PAUSED] = "paused", [BACKFILL_GONE] = "gone"};
    return names[backfill];
}

/* One parse: days first..last of one record, to the end of the last. */
static bool enqueue_backfill(const struct backfill_order *o, const struct reconciled_day *first,
                             const struct reconciled_day *last, enum backfill *ret_backfill,
                             struct err *e)
{
    bool is_open = false, is_new = false;
    const struct child_parse child = {
        .record_id = first->book.record_id, .from_s = first->book.day_s, .to_s = last->end_s};
    if (!backfill_is_enqueued(o->task->pg, child.record_id, child.from_s, child.to_s, o->is_manual,
                              &is_open, e) ||
        (!is_open && !enqueue_parse(o->task, &child, &is_new, e)))
        return false;
    *ret_backfill = is_new ? BACKFILL_ENQUEUED : BACKFILL_OPEN;
    return true;
}

static bool backfill_days(const struct backfill_order *o, const struct reconciled_day *first,
                          const struct reconciled_day *last, enum backfill *ret_backfill,
                          struct err *e)
{
    enum record_standing standing = RECORD_GONE;
    if (!record_standing(o->task->pg, first->book.record_id, &standing, e))
        return false;
    switch (standing) {
    case RECORD_IMPORTED:
        *ret_backfill = BACKFILL_IMPORTED;
        return true;
    case RECORD_PAUSED:
        *ret_backfill = BACKFILL_PAUSED;
        return true;
    case RECORD_GONE:
        *ret_backfill = BACKFILL_GONE;
        return true;
    default:
        return enqueue_backfill(o, first, last, ret_backfill, e);
    }
}

/* How many days from the first on go into one parse. */
static size_t backfill_length(const struct backfill_order *o, const struct reconciled_day *days,
                              size_t count)
{
    size_t n = 1, most = (size_t)o->task->settings->feed.window_days;
    while (n < count && n < most && days[n].how >= o->least &&
           days[n].book.record_id == days[0].book.record_id &&
           days[n].book.day_s == days[n - 1].end_s)
        n++;
    return n;
}

static bool backfill_all(const struct backfill_order *o, const struct reconciled_day *days,
                         size_t count, enum backfill *ret_backfills, struct backfill_tally *tally,
                         struct err *e)
{
    for (size_t i = 0, n; i < count; i += n) {
        enum backfill backfill = BACKFILL_NONE;
        n = 1;
        if (days[i].how >= o->least) {
            n = backfill_length(o, days + i, count - i);
            if (!backfill_days(o, &days[i], &days[i + n - 1], &backfill, e))
                return false;
        }
        for (size_t day = i; day < i + n; day++)
            ret_backfills[day] = backfill;
        tally->enqueued += backfill == BACKFILL_ENQUEUED;
        tally->unreachable += backfill >= BACKFILL_IMPORTED ? (int64_t)n : 0;
    }
    return true;
}

bool missing_days_enqueue(const struct backfill_order *order, const struct reconciled_day *days,
                          size_t count, enum backfill *ret_backfills, struct backfill_tally *tally,
                          struct err *e)
{
    struct pg *pg = order->task->pg;
    return task_begin(order->task, e) &&
           backfill_all(order, days, count, ret_backfills, tally, e) && pg_commit(pg, e);
}
