/* All documents of one window from a Data Custodian: pages, or the files of a BatchList. */
#include "worker/ingest/pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/redact.h"
#include "worker/ingest/request.h"
#include "worker/ingest/async_request.h"
#include "common/greenbutton/record_url.h"
#include "worker/ingest/resource_cache.h"
#include "common/greenbutton/resource_url.h"

struct collect {
    struct parse *parse;
    json_t *urls;        /* list of texts, in the order in which they were found */
    json_t *known;       /* the same as keys: no document is fetched twice */
    const char *current; /* the one being read */
    size_t fetched;
    bool is_list; /* the current one is a BatchList */
    bool is_kept; /* the first one was: the books have its URLs */
    struct feed_answer answer;
};

static void collect_end(struct collect *c)
{
    c->parse->collect = NULL;
    json_decref(c->urls);
    json_decref(c->known);
}

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a list of URLs");
}

/* --- the list --------------------------------------------------------------------------------- */

static bool list_add(struct collect *c, const char *url, struct err *e)
{
    int64_t most = c->parse->task->settings->feed.max_documents;
    if (json_object_get(c->known, url))
        return true;
    if ((int64_t)json_array_size(c->urls) >= most)
        return err_set(e, ERR_REJECT, "too_many_documents",
                       "an answer of more than feed.max_documents (%" PRId64 ") documents", most);
    /* a URL that is no UTF-8 is none that a custodian can mean */
    if (json_object_set_new(c->known, url, json_true()) != 0 ||
        json_array_append_new(c->urls, json_string(url)) != 0)
        return err_set(e, ERR_REJECT, "bad_url", "an answer names a URL that is no text");
    return true;
}

bool collect_add(struct collect *c, enum espi_url kind, const char *url, struct err *e)
{
    struct buf whole CLEANUP(buf_free) = buf_make(0);
    if (kind == ESPI_URL_BATCH)
        c->is_list = true;
    return rest_url_follow(c->parse->custodian.base_url, c->current, url, &whole, e) &&
           list_add(c, whole.data, e);
}

/* Those of a BatchList that came earlier; looked at again: the custodian's host may have changed.
 */
static bool list_pending(struct collect *c, struct err *e)
{
    struct parse *p = c->parse;
    json_t *urls = json_loads(p->pending.urls, 0, NULL);
    bool ok = json_is_array(urls) || no_memory(e);
    c->current = p->custodian.base_url;
    for (size_t i = 0; ok && i < json_array_size(urls); i++)
        ok = collect_add(c, ESPI_URL_BATCH, json_string_value(json_array_get(urls, i)), e);
    c->is_list = false;
    json_decref(urls);
    return ok;
}

static bool first_url(const struct parse *p, struct buf *ret_url, struct err *e)
{
    const struct custodian *k = &p->custodian;
    const struct rest_url parts = {.base_url = k->base_url,
                                   .kind = p->subscription.kind,
                                   .resource = p->subscription.resource,
                                   .min_parameter = k->min_parameter,
                                   .max_parameter = k->max_parameter,
                                   .by_epoch = strcmp(k->time_format, "epoch") == 0,
                                   .accepts_future = k->accepts_future,
                                   .from_s = p->window.from_s,
                                   .to_s = p->window.to_s,
                                   .now_s = p->task->now_ms / 1000};
    struct buf own CLEANUP(buf_free) = buf_make(0);
    if (strcmp(k->style, "rest") == 0)
        return rest_url_build(&parts, ret_url, e);
    /* the record's own URL; its custodian's token goes nowhere but to its custodian */
    return fetch_url(p, &own, e) && rest_url_follow(k->base_url, own.data, own.data, ret_url, e);
}

static bool list_begin(struct collect *c, struct err *e)
{
    struct parse *p = c->parse;
    struct buf url CLEANUP(buf_free) = buf_make(0);
    if (p->is_pending && p->pending.urls)
        return list_pending(c, e);
    if (p->is_pending)
        return rest_url_follow(p->custodian.base_url, p->pending.poll_url, p->pending.poll_url,
                               &url, e) &&
               list_add(c, url.data, e);
    return first_url(p, &url, e) && list_add(c, url.data, e);
}

/* --- one document ----------------------------------------------------------------------------- */

/* Only of the record's next window: one that is asked for by name is wanted because it is missing.
 */
static bool validators(const struct collect *c, char etag[VALIDATOR_TEXT],
                       char last_modified[VALIDATOR_TEXT], struct err *e)
{
    const struct parse *p = c->parse;
    etag[0] = last_modified[0] = '\0';
    if (c->fetched || p->is_pending || p->arguments.has_window || !p->custodian.asks_if_changed)
        return true;
    const struct validator wanted = {
        .url = c->current, .last_date = p->record.last_date, .last_ts = p->record.last_ts};
    return validator_get(p->task->pg, p->record.id, &wanted, etag, last_modified, e);
}

static bool document_wait(struct collect *c, struct err *e)
{
    struct parse *p = c->parse;
    struct buf url CLEANUP(buf_free) = buf_make(0);
    const struct feed_answer *a = &c->answer;
    const char *where = p->is_pending ? p->pending.poll_url : c->current;
    if (!p->is_pending && a->location[0]) {
        if (!rest_url_follow(p->custodian.base_url, c->current, a->location, &url, e))
            return false;
        where = url.data;
    }
    return custody_wait(p, where, a->retry_after_s, e);
}

static bool document_get(struct collect *c, const struct feed_sink *sink, struct err *e)
{
    struct parse *p = c->parse;
    char etag[VALIDATOR_TEXT], last_modified[VALIDATOR_TEXT], shown[FEED_URL_SHOWN];
    bool is_first = c->fetched == 0 && !(p->is_pending && p->pending.urls);
    c->is_list = false;
    if ((c->fetched && !espi_next(p->espi, e)) || !validators(c, etag, last_modified, e))
        return false;
    const struct ask ask = {.url = c->current,
                            .etag = etag,
                            .last_modified = last_modified,
                            .may_wait = is_first,
                            .is_more = c->fetched > 0};
    if (!ask_custodian(p, &ask, sink, &c->answer, e))
        return false;
    if (c->answer.is_accepted)
        return document_wait(c, e);
    if (c->answer.is_unchanged)
        return (p->is_unchanged = etag[0] || last_modified[0]) ||
               err_set(e, ERR_REJECT, "feed_no_data", "HTTP 304 without a question for it");
    feed_url_show(c->current, p->subscription.resource, shown);
    c->fetched++;
    return (fetch_packed_end(p, e) && espi_end(p->espi, e)) || err_wrap(e, "%s", shown);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The first document was a BatchList: whatever happens now, it is not asked for again. */
static bool keep_list(struct collect *c, struct err *e)
{
    struct parse *p = c->parse;
    json_t *urls = json_array();
    size_t i;
    json_t *url;
    json_array_foreach(c->urls, i, url)
        if (i > 0)
            json_array_append(urls, url);
    char *text CLEANUP(free_at) = json_dumps(urls, JSON_COMPACT);
    json_decref(urls);
    c->is_kept = text != NULL;
    return text ? custody_keep_urls(p, c->current, text, e) : no_memory(e);
}

/* A list that repeats the token is not stored: after a crash it is asked for again. */
static bool may_keep_list(const struct collect *c)
{
    const struct redact_secrets sent = {.of = {c->parse->sent_bearer}};
    for (size_t i = 1; i < json_array_size(c->urls); i++)
        if (redact_finds(json_string_value(json_array_get(c->urls, i)), &sent))
            return false;
    return true;
}

/* Of an answer that was one document: several have one name each, and none for all. */
static bool note_validators(struct collect *c, struct err *e)
{
    struct validator *v = &c->parse->unbooked;
    bool is_one =
        c->fetched == 1 && !c->is_kept && !c->parse->is_pending && !c->parse->arguments.has_window;
    v->url = strdup(c->current);
    v->etag = strdup(is_one ? c->answer.etag : "");
    v->last_modified = strdup(is_one ? c->answer.last_modified : "");
    return (v->url && v->etag && v->last_modified) || no_memory(e);
}

static bool collect_all(struct collect *c, const struct feed_sink *sink, struct err *e)
{
    struct parse *p = c->parse;
    if (!list_begin(c, e))
        return false;
    for (size_t i = 0; i < json_array_size(c->urls); i++) {
        c->current = json_string_value(json_array_get(c->urls, i));
        if (!task_go_on(p->task, "fetching", e) || !document_get(c, sink, e))
            return false;
        if (p->is_unchanged)
            return true;
        if (i == 0 && c->is_list && may_keep_list(c) && !keep_list(c, e))
            return false;
    }
    if (c->fetched == 0)
        return err_set(e, ERR_REJECT, "feed_no_data", "a BatchList without a URL");
    return note_validators(c, e) && recall(p, e) && espi_finish(p->espi, e) &&
           espi_check_content(p->espi, e);
}

bool collect_documents(struct parse *p, const struct feed_sink *sink, struct err *e)
{
    struct collect c CLEANUP(collect_end) = {
        .parse = p, .urls = json_array(), .known = json_object()};
    p->collect = &c;
    if (!c.urls || !c.known)
        return no_memory(e);
    if (collect_all(&c, sink, e))
        return true;
    /* what will fail in the same way for ever is not to be met again by the next parse */
    if (e->kind == ERR_REJECT && (p->is_pending || c.is_kept) &&
        strcmp(e->code, "authorization_refused") != 0)
        custody_give_up(p);
    return false;
}
