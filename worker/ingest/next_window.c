/* Which window of a record is requested next, from whom and at which URL. The worker and the
 * commands that show it use the same functions. */
#include "worker/ingest/next_window.h"

#include <string.h>

#include "common/greenbutton/record_url.h"
#include "common/greenbutton/resource_url.h"

bool record_source_load(struct pg *pg, const char *keys, int64_t record_id,
                        struct record_source *ret_source, struct err *e)
{
    struct record_source *s = ret_source;
    *s = (struct record_source){0};
    return subscription_get(pg, record_id, &s->subscription, &s->has_custodian, e) &&
           (!s->has_custodian ||
            custodian_get(pg, keys, s->subscription.custodian_id, &s->custodian, e));
}

void record_source_free(struct record_source *s)
{
    subscription_free(&s->subscription);
    custodian_free(&s->custodian);
}

/* The record's settings for windows, within its custodian's limits. */
static struct window_source window_source(const struct window_question *q)
{
    const struct record *r = q->record;
    const struct settings *s = q->settings;
    const struct custodian *c = &q->source->custodian;
    struct window_source source = {
        .time_type = r->time_type,
        .date_pattern = r->date_pattern,
        .last_date = r->last_date,
        .last_ts = r->last_ts,
        .asks_for_dates = *r->min_date_parameter || *r->max_date_parameter ||
                          strstr(s->feed.url_template, "{min}") ||
                          strstr(s->feed.url_template, "{from}"),
        .window_days = s->feed.window_days,
        .overlap_days = s->feed.overlap_days,
        .history_days = s->feed.history_days,
    };
    if (!q->source->has_custodian)
        return source;
    if (strcmp(c->style, "rest") == 0)
        source.asks_for_dates = *c->min_parameter || *c->max_parameter;
    if (source.overlap_days >= c->max_window_days)
        source.overlap_days = c->max_window_days - 1;
    if (source.window_days + source.overlap_days > c->max_window_days)
        source.window_days = c->max_window_days - source.overlap_days;
    return source;
}

/* Nothing newer than the ceiling is requested, as if the day began that much later. */
static bool window_at(const struct window_question *q, int64_t now_s, struct window *ret_window,
                      struct err *e)
{
    struct window_source source = window_source(q);
    int64_t held_s = now_s - (q->source->has_custodian ? q->source->custodian.ceiling_s : 0);
    return q->is_named ? window_named(&source, q->zone, held_s, q->from_s, q->to_s, ret_window, e)
                       : window_next(&source, q->zone, held_s, ret_window, e);
}

/* Only for named windows: window_source limits the next one. */
static bool is_too_long(const struct window_question *q, const struct window *w)
{
    int days = (int)q->source->custodian.max_window_days;
    return q->source->has_custodian && q->is_named && window_source(q).asks_for_dates &&
           !w->nothing && timezone_day_start(q->zone, w->from_s, days) < w->to_s;
}

bool next_window_decide(const struct window_question *q, const struct pending *pending,
                        struct next_window *ret_next, struct err *e)
{
    struct next_window next = {0};
    struct window *w = &next.window;
    next.has_expired = pending && pending->urls && pending->deadline_in_s <= 0;
    if (pending && !next.has_expired) {
        /* it may have been requested on another day, and the record's dates may have been set since
         */
        if (!window_at(q, q->is_named ? q->now_s : pending->asked_s, w, e))
            return false;
        next.is_pending = !w->nothing && w->from_s == pending->from_s && w->to_s == pending->to_s;
    }
    if (next.is_pending)
        next.pending = *pending;
    else if (!window_at(q, q->now_s, w, e))
        return false;
    next.is_too_long = !next.is_pending && is_too_long(q, w);
    *ret_next = next;
    return true;
}

bool next_window_find(struct pg *pg, const struct window_question *q, struct next_window *ret_next,
                      struct err *e)
{
    struct pending pending CLEANUP(pending_free) = {0};
    struct window now;
    bool is_found = false;
    if (!window_at(q, q->now_s, &now, e))
        return false;
    if (q->source->has_custodian &&
        !pending_get(pg, q->record->id, q->is_named, now.from_s, now.to_s, &pending, &is_found, e))
        return false;
    if (!next_window_decide(q, is_found ? &pending : NULL, ret_next, e))
        return false;
    if (ret_next->is_pending)
        pending = (struct pending){0}; /* its texts are the caller's now */
    return true;
}

void next_window_free(struct next_window *next)
{
    pending_free(&next->pending);
}

/* The record's own URL, in the seed's style. */
static bool own_url(const struct window_question *q, const struct window *w, struct buf *ret_url,
                    struct err *e)
{
    const struct record *r = q->record;
    const struct record_url parts = {.template = q->settings->feed.url_template,
                                     .url = r->url,
                                     .path = q->settings->feed.path,
                                     .sub_id = r->sub_id,
                                     .min_name = r->min_date_parameter,
                                     .max_name = r->max_date_parameter,
                                     .min = w->min,
                                     .max = w->max,
                                     .from_s = w->from_s,
                                     .to_s = w->to_s};
    return record_url_build(&parts, ret_url, e);
}

bool next_window_url(const struct window_question *q, const struct window *window,
                     struct buf *ret_url, struct err *e)
{
    const struct custodian *c = &q->source->custodian;
    struct buf own CLEANUP(buf_free) = buf_make(0);
    if (!q->source->has_custodian)
        return own_url(q, window, ret_url, e);
    if (strcmp(c->style, "rest") != 0)
        /* its custodian's token goes nowhere but to its custodian */
        return own_url(q, window, &own, e) &&
               resource_url_follow(c->base_url, own.data, own.data, ret_url, e);
    const struct resource_url parts = {.base_url = c->base_url,
                                       .kind = q->source->subscription.kind,
                                       .resource = q->source->subscription.resource,
                                       .min_parameter = c->min_parameter,
                                       .max_parameter = c->max_parameter,
                                       .by_epoch = strcmp(c->time_format, "epoch") == 0,
                                       .accepts_future = c->accepts_future,
                                       .from_s = window->from_s,
                                       .to_s = window->to_s,
                                       .now_s = q->now_s};
    return resource_url_build(&parts, ret_url, e);
}
