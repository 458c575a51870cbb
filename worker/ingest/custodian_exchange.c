/* The exchange with a Data Custodian: requests, each with a slot and an access token, and what has
 * to be remembered of them until the answer is committed. */
#include "worker/ingest/custodian_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/redact.h"
#include "common/config/clear_text.h"
#include "common/greenbutton/record_url.h"
#include "common/store/secret.h"
#include "worker/ingest/access_token.h"
#include "worker/ingest/rate_slot.h"

struct exchange {
    const struct ingest_request *request;
    char *sent_token;           /* the last access token that was sent */
    struct feed_volume volume;  /* of what its documents brought so far */
    struct validator validator; /* of its whole answer; strings owned */
};

bool exchange_open(const struct ingest_request *r, struct exchange **ret_exchange, struct err *e)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for an exchange");
    x->request = r;
    *ret_exchange = x;
    return true;
}

static void forget_answer(struct validator *v)
{
    free((char *)v->url);
    free((char *)v->etag);
    free((char *)v->last_modified);
    *v = (struct validator){0};
}

void exchange_freep(struct exchange **x)
{
    if (!*x)
        return;
    secret_keys_free((*x)->sent_token);
    forget_answer(&(*x)->validator);
    free(*x);
    *x = NULL;
}

/* --- requests --------------------------------------------------------------------------------- */

/* What comes back, now or when the document is understood, is told without it. */
static bool keep_sent(struct exchange *x, const char *token, struct err *e)
{
    secret_keys_free(x->sent_token);
    x->sent_token = token ? strdup(token) : NULL;
    return !token || x->sent_token || err_set(e, ERR_RETRY, "no_memory", "no memory for a token");
}

static bool send_once(struct exchange *x, const struct exchange_request *request, const char *token,
                      const struct feed_sink *sink, struct feed_answer *ret_answer, struct err *e)
{
    const struct ingest_request *r = x->request;
    const struct custodian *c = &r->source.custodian;
    const struct settings *s = r->task->settings;
    char shown[RECORD_URL_SHOWN];
    int64_t slot;
    record_url_show(request->url, r->source.subscription.resource, shown);
    if (token && !clear_text_allowed(s, request->url))
        return err_set(e, ERR_REJECT, "clear_text",
                       "%s: its token is not sent without encryption: https, or allow_clear_text",
                       shown);
    const struct feed_request feed = {.peer = {.url = request->url,
                                               .shown = shown,
                                               .certificate = c->certificate,
                                               .private_key = c->private_key},
                                      .bearer = token,
                                      .etag = request->etag,
                                      .last_modified = request->last_modified,
                                      .may_wait = request->may_wait,
                                      .pending_status =
                                          r->next.is_pending ? c->pending_status : 202,
                                      .volume = &x->volume};
    int64_t patience_ms = request->is_more ? RATE_SLOT_LONG_MS : RATE_SLOT_SHORT_MS;
    if (!keep_sent(x, token, e) ||
        !rate_slot_acquire(r->task, c, request->url, patience_ms, &slot, e))
        return false;
    bool ok = feed_fetch(s, &feed, sink, ret_answer, e);
    rate_slot_release(r->task, slot);
    return ok;
}

bool exchange_send(struct exchange *x, const struct exchange_request *request,
                   const struct feed_sink *sink, struct feed_answer *ret_answer, struct err *e)
{
    char *token CLEANUP(secret_keys_freep) = NULL, *renewed CLEANUP(secret_keys_freep) = NULL;
    int64_t generation = 0;
    if (!access_token_get(x->request, -1, &token, &generation, e))
        return false;
    if (send_once(x, request, token, sink, ret_answer, e))
        return true;
    if (strcmp(e->code, "feed_unauthorized") != 0 || !token)
        return false;
    return access_token_get(x->request, generation, &renewed, &generation, e) &&
           send_once(x, request, renewed, sink, ret_answer, e);
}

/* --- its whole answer ------------------------------------------------------------------------- */

bool exchange_note_answer(struct exchange *x, const char *url, const char *etag,
                          const char *last_modified, struct err *e)
{
    struct validator *v = &x->validator;
    forget_answer(v);
    v->url = strdup(url);
    v->etag = strdup(etag);
    v->last_modified = strdup(last_modified);
    return (v->url && v->etag && v->last_modified) ||
           err_set(e, ERR_RETRY, "no_memory", "no memory for a URL");
}

bool exchange_commit(struct exchange *x, bool moves, struct err *e)
{
    if (!x)
        return true;
    const struct ingest_request *r = x->request;
    const struct window *w = &r->next.window;
    struct validator *v = &x->validator;
    if (!pending_drop(r->task->pg, r->record.id, r->arguments.has_window, w->from_s, w->to_s, e))
        return false;
    if (!v->url)
        return true;
    v->last_date = moves ? w->next_last_date : r->record.last_date;
    v->last_ts = moves ? w->next_last_ts : r->record.last_ts;
    return validator_put(r->task->pg, r->record.id, v, e);
}

/* --- what is told ----------------------------------------------------------------------------- */

void exchange_redact(const struct exchange *x, char *text)
{
    if (x)
        redact(text, &(struct redact_secrets){.of = {x->sent_token}});
}

void exchange_redact_err(const struct exchange *x, struct err *e)
{
    if (x)
        (void)redact_err(e, &(struct redact_secrets){
                                .of = {x->sent_token, x->request->source.custodian.client_secret}});
}

bool exchange_is_secret(const struct exchange *x, const char *text)
{
    return redact_finds(text, &(struct redact_secrets){.of = {x->sent_token}});
}
