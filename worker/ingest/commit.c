/* Last step of a parse: everything it did into PostgreSQL in one transaction, or nothing. */
#include "worker/ingest/commit.h"

#include <inttypes.h>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/ledger_day.h"
#include "common/store/month.h"
#include "common/store/series.h"
#include "worker/task/enqueue.h"

/* If the most recent window has no reading at all, the custodian is late: it is requested again. */
bool ingest_moves(const struct ingest_request *r, const struct ingest_result *result)
{
    const struct window *w = &r->next.window;
    return w->moves && !(w->reaches_now && result->counts.readings == 0);
}

/* A person sent the parse of a paused record: its backfill ends with this one window. */
bool ingest_goes_on(const struct ingest_request *r, const struct ingest_result *result)
{
    return ingest_moves(r, result) && r->next.window.behind && r->record.active;
}

bool ingest_commit_days(const struct ingest_request *r, struct ingest_result *result, struct err *e)
{
    struct pg *pg = r->task->pg;
    int64_t months;
    if (!ledger_day_dirty_months(pg, &months, e) ||
        ((r->arguments.has_window || r->is_file) && !ledger_day_refresh_months(pg, e)))
        return false;
    result->months += months;
    const struct ledger_day_source from = {
        .record_id = r->record.id, .generation = r->option.generation, .is_manual = r->is_file};
    return record_option_hold(pg, r->record.id, r->option.generation, e) &&
           ledger_day_write(pg, &from, e);
}

static bool enqueue_next(const struct ingest_request *r, struct err *e)
{
    const struct child_parse child = {.record_id = r->record.id,
                                      .building_id = r->record.building_id,
                                      .after_s = r->next.window.to_s};
    bool is_new;
    return enqueue_parse(r->task, &child, &is_new, e);
}

static bool commit_all(const struct ingest_request *r, struct exchange *x,
                       struct ingest_result *result, struct err *e)
{
    struct pg *pg = r->task->pg;
    const struct window *w = &r->next.window;
    bool moves = ingest_moves(r, result);
    char summary[RESULT_SUMMARY];
    if (!task_begin(r->task, e) || !ingest_commit_days(r, result, e) ||
        (result->has_registers && !series_store_registers(pg, r->wanted.to_s, e)) ||
        !month_store_bills(pg, r->wanted.to_s, r->wanted.bill_s, &result->bills, e) ||
        (moves && !record_advance(pg, &r->record, w->next_last_date, w->next_last_ts, e)) ||
        !exchange_commit(x, moves, e))
        return false;
    result_summary(r, result, summary);
    result->returned = result_json(r, result);
    if (!task_done(r->task, summary, result->returned, e) ||
        (ingest_goes_on(r, result) && !enqueue_next(r, e)))
        return false;
    failpoint("before_commit");
    return pg_commit(pg, e);
}

/* Whoever has to act on a feed should find this in the log, not only in the run. */
static void warn(const struct ingest_result *result)
{
    if (result->unresolved[0])
        log_event(LOG_LEVEL_WARNING, "series_not_stored", "reasons=%s", result->unresolved);
    if (result->skipped[0])
        log_event(LOG_LEVEL_WARNING, "readings_skipped", "reasons=%s", result->skipped);
    if (result->counts.contradicted)
        log_event(LOG_LEVEL_WARNING, "readings_contradict", "readings=%" PRId64 " kept=latest",
                  result->counts.contradicted);
    if (result->counts.fallen)
        log_event(LOG_LEVEL_WARNING, "register_fell", "steps=%" PRId64 " amounts=none",
                  result->counts.fallen);
}

bool ingest_commit(const struct ingest_request *r, struct exchange *x, struct ingest_result *result,
                   struct err *e)
{
    if (!task_go_on(r->task, "committing", e) || !commit_all(r, x, result, e))
        return false;
    warn(result);
    return true;
}

bool ingest_commit_nothing(const struct ingest_request *r, const char *why,
                           struct ingest_result *result, struct err *e)
{
    result->returned = result_json(r, result);
    return task_begin(r->task, e) && task_done(r->task, why, result->returned, e) &&
           pg_commit(r->task->pg, e);
}
