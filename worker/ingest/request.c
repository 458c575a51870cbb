/* One request to a Data Custodian: a place at its host, its token, its certificate. */
#include "worker/ingest/request.h"

#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/rate_limiter.h"
#include "common/store/secret.h"
#include "common/config/clear_text.h"
#include "worker/ingest/access_token.h"
#include "common/greenbutton/record_url.h"
#include "common/greenbutton/resource_url.h"

/* A minute's limit makes room within a minute. */
#define ASK_LONG_MS 70000
#define ASK_STEP_MS 200
/* After a request's own limit its place is free, should its worker have died. */
#define ASK_LEASE_MORE_S 15

bool ask_pause(struct parse *p, int64_t ms, struct err *e)
{
    for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until;) {
        int64_t step_ms = ms < ASK_STEP_MS ? ms : ASK_STEP_MS;
        if (!task_go_on(p->task, NULL, e))
            return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = step_ms * 1000 * 1000}, NULL);
    }
    return true;
}

static bool no_place(const char *host, int64_t wait_ms, struct err *e)
{
    (void)err_set(e, ERR_RETRY, TASK_NOT_NOW,
                  "%s has as many requests as its custodian allows: a place in %lld s at the "
                  "earliest",
                  host, (long long)(wait_ms + 999) / 1000);
    e->retry_after_s = (int32_t)((wait_ms + 999) / 1000);
    return false;
}

bool ask_enter(struct parse *p, const char *url, int64_t patience_ms, int64_t *ret_place,
               struct err *e)
{
    const struct settings *s = p->task->settings;
    const struct gate_limits limits = {.at_once = p->custodian.requests_at_once,
                                       .per_minute = p->custodian.requests_per_minute};
    int64_t until_ms = clock_mono_ms() + patience_ms, wait_ms = 0;
    char host[REST_HOST];
    if (!rest_url_host(url, host, e))
        return false;
    for (;;) {
        if (!gate_enter(p->task->pg, host, p->task->run->task_id, &limits,
                        s->feed.timeout_s + ASK_LEASE_MORE_S, ret_place, &wait_ms, e))
            return false;
        if (wait_ms == 0)
            return true;
        if (clock_mono_ms() + wait_ms > until_ms)
            return no_place(host, wait_ms, e);
        if (!ask_pause(p, wait_ms < ASK_STEP_MS ? wait_ms : ASK_STEP_MS, e))
            return false;
    }
}

void ask_leave(struct parse *p, int64_t place)
{
    struct err e;
    if (!gate_leave(p->task->pg, place, &e))
        log_error(LOG_LEVEL_WARNING, "place_not_given_back", &e);
}

static bool ask_once(struct parse *p, const struct ask *a, const char *bearer,
                     const struct feed_sink *sink, struct feed_answer *ret_answer, struct err *e)
{
    const struct settings *s = p->task->settings;
    char shown[FEED_URL_SHOWN];
    int64_t place;
    feed_url_show(a->url, p->subscription.resource, shown);
    if (bearer && !clear_text_allowed(s, a->url))
        return err_set(e, ERR_REJECT, "clear_text",
                       "%s: its token is not sent without encryption: https, or allow_clear_text",
                       shown);
    const struct feed_request request = {.peer = {.url = a->url,
                                                  .shown = shown,
                                                  .certificate = p->custodian.certificate,
                                                  .private_key = p->custodian.private_key},
                                         .bearer = bearer,
                                         .etag = a->etag,
                                         .last_modified = a->last_modified,
                                         .may_wait = a->may_wait,
                                         .pending_status =
                                             p->is_pending ? p->custodian.pending_status : 202,
                                         .volume = &p->volume};
    if (!ask_enter(p, a->url, a->is_more ? ASK_LONG_MS : ASK_SHORT_MS, &place, e))
        return false;
    bool ok = feed_fetch(s, &request, sink, ret_answer, e) || parse_stopped(p, e);
    ask_leave(p, place);
    return ok;
}

/* What comes back, now or when the document is understood, is told without it. */
static bool keep_sent(struct parse *p, const char *bearer, struct err *e)
{
    seal_free(p->sent_bearer);
    p->sent_bearer = bearer ? strdup(bearer) : NULL;
    return !bearer || p->sent_bearer || err_set(e, ERR_RETRY, "no_memory", "no memory for a token");
}

bool ask_custodian(struct parse *p, const struct ask *a, const struct feed_sink *sink,
                   struct feed_answer *ret_answer, struct err *e)
{
    char *bearer CLEANUP(seal_freep) = NULL;
    int64_t generation = 0;
    if (!bearer_get(p, -1, &bearer, &generation, e) || !keep_sent(p, bearer, e))
        return false;
    if (ask_once(p, a, bearer, sink, ret_answer, e))
        return true;
    if (strcmp(e->code, "feed_unauthorized") != 0 || !bearer)
        return false;
    char *again CLEANUP(seal_freep) = NULL;
    return bearer_get(p, generation, &again, &generation, e) && keep_sent(p, again, e) &&
           ask_once(p, a, again, sink, ret_answer, e);
}
