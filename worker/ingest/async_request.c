/* A request that its custodian accepted and has not answered yet (202): when to poll again, and for
 * how long. */
#include "worker/ingest/async_request.h"

#include <inttypes.h>

#include "common/base/log.h"

static bool not_now(const struct pending *pending, struct err *e)
{
    (void)err_set(e, ERR_NOT_NOW, "not_now",
                  "the custodian is making the answer: asked %" PRId64 " times, again in %" PRId64
                  " s",
                  pending->polls, pending->next_poll_in_s);
    e->retry_after_s = (int32_t)pending->next_poll_in_s;
    return false;
}

bool async_request_is_due(const struct ingest_request *r, struct err *e)
{
    const struct next_window *n = &r->next;
    return !n->is_pending || n->pending.next_poll_in_s <= 0 || not_now(&n->pending, e);
}

/* What is pending as it is stored; or as it begins with this answer. */
static struct pending pending_now(const struct ingest_request *r, const char *poll_url)
{
    if (r->next.is_pending)
        return r->next.pending;
    return (struct pending){.record_id = r->record.id,
                            .is_named = r->arguments.has_window,
                            .from_s = r->next.window.from_s,
                            .to_s = r->next.window.to_s,
                            .asked_s = r->task->now_ms / 1000,
                            .deadline_in_s = r->source.custodian.pending_limit_s,
                            .poll_url = (char *)poll_url};
}

struct pending async_request_next(const struct ingest_request *r, const char *poll_url,
                                  int32_t retry_after_s)
{
    const struct custodian *c = &r->source.custodian;
    struct pending pending = pending_now(r, poll_url);
    if (pending.deadline_in_s <= 0) {
        pending.poll_url = NULL;
        return pending;
    }
    pending.polls++;
    pending.next_poll_in_s = pending_pause(c->poll_s, c->poll_max_s, pending.polls, retry_after_s,
                                           pending.deadline_in_s);
    return pending;
}

/* In one transaction with the run's lease: who was taken over from writes nothing. */
static bool pending_write(const struct ingest_request *r, const struct pending *pending,
                          struct err *e)
{
    struct pg *pg = r->task->pg;
    int64_t lease_s = r->task->settings->worker.lease_s;
    bool ok = pg_begin(pg, e) && run_renew(pg, r->task->run, lease_s, NULL, e) &&
              pending_put(pg, pending, e) && pg_commit(pg, e);
    if (!ok)
        pg_rollback(pg);
    return ok;
}

bool async_request_wait(const struct ingest_request *r, const char *poll_url, int32_t retry_after_s,
                        struct err *e)
{
    const struct pending pending = async_request_next(r, poll_url, retry_after_s);
    if (pending.poll_url)
        return pending_write(r, &pending, e) && not_now(&pending, e);
    async_request_give_up(r);
    return err_set(e, ERR_REJECT, "feed_never_ready",
                   "accepted and not answered within %" PRId64 " s, after %" PRId64 " requests",
                   r->source.custodian.pending_limit_s, pending.polls);
}

bool async_request_store_urls(const struct ingest_request *r, const char *poll_url,
                              const char *urls, struct err *e)
{
    struct pending pending = pending_now(r, poll_url);
    pending.urls = (char *)urls;
    pending.next_poll_in_s = 0;
    pending.deadline_in_s = r->source.custodian.pending_limit_s;
    return pending_write(r, &pending, e);
}

void async_request_give_up(const struct ingest_request *r)
{
    const struct window *w = &r->next.window;
    struct pg *pg = r->task->pg;
    struct err e;
    pg_rollback(pg);
    if (!pending_drop(pg, r->record.id, r->arguments.has_window, w->from_s, w->to_s, &e))
        log_error(LOG_LEVEL_WARNING, "pending_not_dropped", &e);
}
