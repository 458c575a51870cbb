/* A record that a Data Custodian is asked for: its window, what is pending, and what is booked. */
#include "worker/ingest/async_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/task/enqueue.h"

/* Parses that a named window may be split into: over ten years of days. */
#define PARTS_MAX 4000

bool custody_load(struct parse *p, struct err *e)
{
    const struct settings *s = p->task->settings;
    return subscription_get(p->task->pg, p->record.id, &p->subscription, &p->has_custodian, e) &&
           (!p->has_custodian || custodian_get(p->task->pg, s->credentials.key,
                                               p->subscription.custodian_id, &p->custodian, e));
}

static bool not_now(const struct pending *pending, struct err *e)
{
    (void)err_set(e, ERR_RETRY, TASK_NOT_NOW,
                  "the custodian is making the answer: asked %" PRId64 " times, again in %" PRId64
                  " s",
                  pending->polls, pending->next_poll_in_s);
    e->retry_after_s = (int32_t)pending->next_poll_in_s;
    return false;
}

/* --- the window ------------------------------------------------------------------------------- */

static bool is_same_window(const struct parse *p)
{
    return p->window.from_s == p->pending.from_s && p->window.to_s == p->pending.to_s;
}

/* Nothing newer than the ceiling is asked for: that much later does the day begin here. */
static bool window_at(struct parse *p, const struct window_source *source, int64_t now_s,
                      struct err *e)
{
    const struct parse_arguments *a = &p->arguments;
    int64_t held_s = now_s - p->custodian.ceiling_s;
    return a->has_window ? window_named(source, p->zone, held_s, a->from_s, a->to_s, &p->window, e)
                         : window_next(source, p->zone, held_s, &p->window, e);
}

static struct window_source limit_source(const struct parse *p, const struct window_source *record)
{
    struct window_source source = *record;
    const struct custodian *c = &p->custodian;
    if (strcmp(c->style, "rest") == 0)
        source.asks_for_dates = *c->min_parameter || *c->max_parameter;
    if (source.overlap_days >= c->max_window_days)
        source.overlap_days = c->max_window_days - 1;
    if (source.window_days + source.overlap_days > c->max_window_days)
        source.window_days = c->max_window_days - source.overlap_days;
    return source;
}

/* Files that could not be had within the custodian's limit are none that it still keeps. */
static bool pending_look(struct parse *p, struct err *e)
{
    struct pg *pg = p->task->pg;
    bool is_named = p->arguments.has_window;
    int64_t from_s = p->window.from_s, to_s = p->window.to_s;
    if (!pending_get(pg, p->record.id, is_named, from_s, to_s, &p->pending, &p->is_pending, e))
        return false;
    if (!p->is_pending || !p->pending.urls || p->pending.deadline_in_s > 0)
        return true;
    pending_free(&p->pending);
    p->is_pending = false;
    return pending_drop(pg, p->record.id, is_named, from_s, to_s, e);
}

/* Of the next window limit_source has seen to it. */
static bool is_too_long(const struct parse *p, const struct window_source *source)
{
    int days = (int)p->custodian.max_window_days;
    return p->arguments.has_window && source->asks_for_dates && !p->window.nothing &&
           timezone_day_start(p->zone, p->window.from_s, days) < p->window.to_s;
}

bool custody_window(struct parse *p, const struct window_source *record, int64_t now_s,
                    struct err *e)
{
    const struct parse_arguments *a = &p->arguments;
    struct window_source source = limit_source(p, record);
    if (!window_at(p, &source, now_s, e) || !pending_look(p, e))
        return false;
    p->is_too_long = !p->is_pending && is_too_long(p, &source);
    if (!p->is_pending)
        return true;
    /* it was asked for on another day, perhaps; somebody may have set the record's dates since */
    if (!a->has_window && !window_at(p, &source, p->pending.asked_s, e))
        return false;
    p->is_pending = !p->window.nothing && is_same_window(p);
    if (!p->is_pending) {
        pending_free(&p->pending);
        return window_at(p, &source, now_s, e);
    }
    return p->pending.next_poll_in_s <= 0 || not_now(&p->pending, e);
}

static bool part_promise(struct parse *p, int64_t from_s, int64_t to_s, struct err *e)
{
    char about[100], task_id[UUID_TEXT];
    bool is_new;
    const struct promise promise = {.task_id = task_id,
                                    .record_id = p->record.id,
                                    .building_id = p->record.building_id,
                                    .from_s = from_s,
                                    .to_s = to_s};
    snprintf(about, sizeof about, "record %" PRId64 " %" PRId64 " to %" PRId64, p->record.id,
             from_s, to_s);
    run_child_id(p->task->message->id, about, task_id);
    return promise_parse(p->task, &promise, &is_new, e);
}

static bool parts_promise(struct parse *p, int64_t *ret_parts, struct err *e)
{
    int days = (int)p->custodian.max_window_days;
    *ret_parts = 0;
    for (int64_t from_s = p->window.from_s, to_s; from_s < p->window.to_s; from_s = to_s) {
        to_s = timezone_day_start(p->zone, from_s, days);
        to_s = to_s < p->window.to_s ? to_s : p->window.to_s;
        if (++*ret_parts > PARTS_MAX)
            return err_set(e, ERR_REJECT, "bad_window",
                           "more than %d times the %d days that its custodian answers at once",
                           PARTS_MAX, days);
        if (!part_promise(p, from_s, to_s, e))
            return false;
    }
    return true;
}

bool custody_split(struct parse *p, struct err *e)
{
    struct pg *pg = p->task->pg;
    char summary[100];
    int64_t parts;
    if (!task_begin(p->task, e) || !parts_promise(p, &parts, e))
        return false;
    snprintf(summary, sizeof summary,
             "%" PRId64 " parses promised: its custodian answers %" PRId64 " days at once", parts,
             p->custodian.max_window_days);
    p->result = parse_result(p);
    return task_done(p->task, summary, p->result, e) && pg_commit(pg, e);
}

/* --- what is pending -------------------------------------------------------------------------- */

/* In one transaction with the run's lease: who was taken over from writes nothing. */
static bool pending_write(struct parse *p, const struct pending *pending, struct err *e)
{
    struct pg *pg = p->task->pg;
    int64_t lease_s = p->task->settings->worker.lease_s;
    bool ok = pg_begin(pg, e) && run_renew(pg, p->task->run, lease_s, NULL, e) &&
              pending_put(pg, pending, e) && pg_commit(pg, e);
    if (!ok)
        pg_rollback(pg);
    return ok;
}

static struct pending pending_new(const struct parse *p, const char *poll_url)
{
    return (struct pending){.record_id = p->record.id,
                            .is_named = p->arguments.has_window,
                            .from_s = p->window.from_s,
                            .to_s = p->window.to_s,
                            .asked_s = p->task->now_ms / 1000,
                            .deadline_in_s = p->custodian.pending_limit_s,
                            .poll_url = (char *)poll_url};
}

bool custody_wait(struct parse *p, const char *poll_url, int32_t retry_after_s, struct err *e)
{
    const struct custodian *c = &p->custodian;
    struct pending pending = p->is_pending ? p->pending : pending_new(p, poll_url);
    if (pending.deadline_in_s <= 0) {
        custody_give_up(p);
        return err_set(e, ERR_REJECT, "feed_never_ready",
                       "accepted and not answered within %" PRId64 " s, after %" PRId64
                       " questions",
                       c->pending_limit_s, pending.polls);
    }
    pending.polls++;
    pending.next_poll_in_s = pending_pause(c->poll_s, c->poll_max_s, pending.polls, retry_after_s,
                                           pending.deadline_in_s);
    return pending_write(p, &pending, e) && not_now(&pending, e);
}

bool custody_keep_urls(struct parse *p, const char *poll_url, const char *urls, struct err *e)
{
    struct pending pending = p->is_pending ? p->pending : pending_new(p, poll_url);
    pending.urls = (char *)urls;
    pending.next_poll_in_s = 0;
    pending.deadline_in_s = p->custodian.pending_limit_s;
    return pending_write(p, &pending, e);
}

void custody_give_up(struct parse *p)
{
    struct err e;
    pg_rollback(p->task->pg);
    if (!pending_drop(p->task->pg, p->record.id, p->arguments.has_window, p->window.from_s,
                      p->window.to_s, &e))
        log_error(LOG_LEVEL_WARNING, "pending_not_dropped", &e);
}

/* --- the books -------------------------------------------------------------------------------- */

bool custody_book(struct parse *p, bool moves, struct err *e)
{
    struct validator *v = &p->unbooked;
    if (!p->has_custodian)
        return true;
    if (!pending_drop(p->task->pg, p->record.id, p->arguments.has_window, p->window.from_s,
                      p->window.to_s, e))
        return false;
    if (!v->url)
        return true;
    v->last_date = moves ? p->window.next_last_date : p->record.last_date;
    v->last_ts = moves ? p->window.next_last_ts : p->record.last_ts;
    return validator_put(p->task->pg, p->record.id, v, e);
}

void custody_free(struct parse *p)
{
    free((char *)p->unbooked.url);
    free((char *)p->unbooked.etag);
    free((char *)p->unbooked.last_modified);
    pending_free(&p->pending);
    subscription_free(&p->subscription);
    custodian_free(&p->custodian);
}
