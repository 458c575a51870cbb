/* Last step of a parse: everything it did into PostgreSQL in one transaction, or nothing. */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/ledger_day.h"
#include "common/store/month.h"
#include "common/store/series.h"
#include "worker/ingest/async_request.h"
#include "worker/ingest/parse.h"
#include "worker/task/enqueue.h"

#define BOOK_SUMMARY 2400

static void book_summary(const struct parse *p, char out[BOOK_SUMMARY])
{
    char from[CLOCK_TEXT], to[CLOCK_TEXT];
    const struct stage_counts *c = &p->counts;
    snprintf(out, BOOK_SUMMARY,
             "%.10s to %.10s: %" PRId64 " readings of %zu series; %" PRId64 " to KairosDB, %" PRId64
             " costs, %" PRId64 " bills changed, %" PRId64 " months to sum; outside %" PRId64
             ", repeated %" PRId64 ", contradicted %" PRId64 ", overlapping %" PRId64
             ", without time %" PRId64 "%s%s%s%s%s%s%s%s",
             clock_format_utc(p->window.from_s * 1000, from),
             clock_format_utc(p->window.to_s * 1000, to), c->readings, p->series, p->points,
             p->costs, p->bills, p->months, c->outside, c->repeated, c->contradicted,
             p->overlapping, c->unplaced, p->unresolved[0] ? "; not stored: " : "", p->unresolved,
             p->skipped[0] ? "; not read: " : "", p->skipped,
             p->corrected[0] ? "; corrected: " : "", p->corrected, p->told[0] ? "; told: " : "",
             p->told);
}

/* Whoever has to act on a feed should find it in the log, not only in the books. */
static void book_warn(const struct parse *p)
{
    if (p->unresolved[0])
        log_event(LOG_LEVEL_WARNING, "series_not_stored", "reasons=%s", p->unresolved);
    if (p->skipped[0])
        log_event(LOG_LEVEL_WARNING, "readings_skipped", "reasons=%s", p->skipped);
    if (p->counts.contradicted)
        log_event(LOG_LEVEL_WARNING, "readings_contradict", "readings=%" PRId64 " kept=latest",
                  p->counts.contradicted);
    if (p->counts.fallen)
        log_event(LOG_LEVEL_WARNING, "register_fell", "steps=%" PRId64 " amounts=none",
                  p->counts.fallen);
}

/* A last window without a single reading: the custodian is late, so it is asked for again. */
static bool book_moves(const struct parse *p)
{
    return p->window.moves && !(p->window.reaches_now && p->counts.readings == 0);
}

static bool book_next_window(struct parse *p, struct err *e)
{
    char about[80], task_id[UUID_TEXT];
    bool is_new;
    /* a paused record's backfill ends here; asked for by hand, it has its one window */
    if (!book_moves(p) || !p->window.behind || !p->record.active)
        return true;
    snprintf(about, sizeof about, "record %" PRId64 " from %" PRId64, p->record.id, p->window.to_s);
    run_child_id(p->task->message->id, about, task_id);
    const struct promise promise = {
        .task_id = task_id, .record_id = p->record.id, .building_id = p->record.building_id};
    return promise_parse(p->task, &promise, &is_new, e);
}

bool book_days(struct parse *p, struct err *e)
{
    struct pg *pg = p->task->pg;
    int64_t months;
    if (!day_dirty_months(pg, &months, e) ||
        ((p->arguments.has_window || p->by_hand) && !day_refresh_months(pg, e)))
        return false;
    p->months += months;
    const struct day_source from = {
        .record_id = p->record.id, .generation = p->option.generation, .by_hand = p->by_hand};
    return record_option_hold(pg, p->record.id, p->option.generation, e) && day_book(pg, &from, e);
}

static bool book_transaction(struct parse *p, struct err *e)
{
    struct pg *pg = p->task->pg;
    char summary[BOOK_SUMMARY];
    if (!task_begin(p->task, e) || !book_days(p, e) ||
        (p->has_registers && !series_book_registers(pg, p->wanted.to_s, e)) ||
        !month_book_bills(pg, p->wanted.to_s, p->wanted.bill_s, &p->bills, e))
        return false;
    if (book_moves(p) &&
        !record_advance(pg, &p->record, p->window.next_last_date, p->window.next_last_ts, e))
        return false;
    book_summary(p, summary);
    if (!custody_book(p, book_moves(p), e))
        return false;
    p->result = parse_result(p);
    if (!task_done(p->task, summary, p->result, e) || !book_next_window(p, e))
        return false;
    crashpoint("before_commit");
    return pg_commit(pg, e);
}

bool book_parse(struct parse *p, struct err *e)
{
    if (!task_go_on(p->task, "booking", e) || !book_transaction(p, e))
        return false;
    book_warn(p);
    return true;
}

bool book_nothing(struct parse *p, const char *why, struct err *e)
{
    p->result = parse_result(p);
    return task_begin(p->task, e) && task_done(p->task, why, p->result, e) &&
           pg_commit(p->task->pg, e);
}
