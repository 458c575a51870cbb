/* All documents of one window from a Data Custodian: pages, or the files of a BatchList. */
#include "worker/ingest/pages.h"

#include <stdlib.h>
#include <string.h>

#include "common/greenbutton/record_url.h"
#include "common/greenbutton/resource_url.h"
#include "worker/ingest/async_request.h"
#include "worker/ingest/page_list.h"
#include "worker/ingest/resource_cache.h"

struct pages {
    const struct ingest_request *request;
    struct exchange *exchange;
    struct staged_feed *feed;
    struct page_list list;
    const char *current; /* the one being read */
    size_t fetched;
    bool is_list;   /* the current one is a BatchList */
    bool is_stored; /* the first one was: the store has its URLs */
    struct feed_answer answer;
};

/* For the reader: there is more at url. */
static bool add_url(void *context, enum espi_url kind, const char *url, struct err *e)
{
    struct pages *p = context;
    if (kind == ESPI_URL_BATCH)
        p->is_list = true;
    return page_list_follow(&p->list, p->current, url, e);
}

/* What is pending; or the window. */
static bool add_first(struct pages *p, struct err *e)
{
    const struct window_question q = request_window_question(p->request);
    const struct next_window *next = &p->request->next;
    struct buf url CLEANUP(buf_free) = buf_make(0);
    if (next->is_pending && next->pending.urls) /* the custodian's host may have changed since */
        return page_list_add_json(&p->list, next->pending.urls, e);
    if (next->is_pending)
        return page_list_follow(&p->list, next->pending.poll_url, next->pending.poll_url, e);
    return next_window_url(&q, &next->window, &url, e) && page_list_add(&p->list, url.data, e);
}

/* --- one document ----------------------------------------------------------------------------- */

/* Only for the record's next window: a named one is requested because its readings are missing. */
static bool validators(const struct pages *p, char etag[VALIDATOR_TEXT],
                       char last_modified[VALIDATOR_TEXT], struct err *e)
{
    const struct ingest_request *r = p->request;
    etag[0] = last_modified[0] = '\0';
    if (p->fetched || r->next.is_pending || r->arguments.has_window ||
        !r->source.custodian.asks_if_changed)
        return true;
    const struct validator wanted = {
        .url = p->current, .last_date = r->record.last_date, .last_ts = r->record.last_ts};
    return validator_get(r->task->pg, r->record.id, &wanted, etag, last_modified, e);
}

/* 202: it will be ready where the answer says, or at the same URL. */
static bool wait_for_answer(struct pages *p, struct err *e)
{
    const struct ingest_request *r = p->request;
    struct buf url CLEANUP(buf_free) = buf_make(0);
    const struct feed_answer *a = &p->answer;
    const char *where = r->next.is_pending ? r->next.pending.poll_url : p->current;
    if (!r->next.is_pending && a->location[0]) {
        if (!resource_url_follow(r->source.custodian.base_url, p->current, a->location, &url, e))
            return false;
        where = url.data;
    }
    return async_request_wait(r, where, a->retry_after_s, e);
}

static bool fetch_document(struct pages *p, struct err *e)
{
    const struct ingest_request *r = p->request;
    const struct feed_sink sink = staged_feed_sink(p->feed);
    char etag[VALIDATOR_TEXT], last_modified[VALIDATOR_TEXT], shown[RECORD_URL_SHOWN];
    bool is_first = p->fetched == 0 && !(r->next.is_pending && r->next.pending.urls);
    p->is_list = false;
    if ((p->fetched && !staged_feed_next(p->feed, e)) || !validators(p, etag, last_modified, e))
        return false;
    const struct exchange_request request = {.url = p->current,
                                             .etag = etag,
                                             .last_modified = last_modified,
                                             .may_wait = is_first,
                                             .is_more = p->fetched > 0};
    if (!exchange_send(p->exchange, &request, &sink, &p->answer, e))
        return task_stopped(&p->feed->stop, e);
    if (p->answer.is_accepted)
        return wait_for_answer(p, e);
    if (p->answer.is_unchanged) {
        p->feed->is_unchanged = etag[0] || last_modified[0];
        return p->feed->is_unchanged ||
               err_set(e, ERR_REJECT, "feed_no_data", "HTTP 304 without a question for it");
    }
    record_url_show(p->current, r->source.subscription.resource, shown);
    p->fetched++;
    return (staged_feed_packed_end(p->feed, e) && espi_end(p->feed->reader, e)) ||
           err_wrap(e, "%s", shown);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The first document was a BatchList: from now on it is not requested again. A list that repeats
 * the token is not stored; it is requested again after a crash. */
static bool store_list(struct pages *p, struct err *e)
{
    for (size_t i = 1; i < page_list_count(&p->list); i++)
        if (exchange_is_secret(p->exchange, page_list_at(&p->list, i)))
            return true;
    char *urls CLEANUP(free_at) = page_list_json_after_first(&p->list);
    p->is_stored = urls != NULL;
    return urls ? async_request_store_urls(p->request, p->current, urls, e)
                : err_set(e, ERR_RETRY, "no_memory", "no memory for a list of URLs");
}

/* Only an answer of one document has validators: there are none for several together. */
static bool note_answer(struct pages *p, struct err *e)
{
    const struct ingest_request *r = p->request;
    bool is_one =
        p->fetched == 1 && !p->is_stored && !r->next.is_pending && !r->arguments.has_window;
    return exchange_note_answer(p->exchange, p->current, is_one ? p->answer.etag : "",
                                is_one ? p->answer.last_modified : "", e);
}

static bool fetch_all(struct pages *p, struct err *e)
{
    if (!add_first(p, e))
        return false;
    for (size_t i = 0; i < page_list_count(&p->list); i++) {
        p->current = page_list_at(&p->list, i);
        if (!task_go_on(p->request->task, "fetching", e) || !fetch_document(p, e))
            return false;
        if (p->feed->is_unchanged)
            return true;
        if (i == 0 && p->is_list && !store_list(p, e))
            return false;
    }
    if (p->fetched == 0)
        return err_set(e, ERR_REJECT, "feed_no_data", "a BatchList without a URL");
    return note_answer(p, e) && resource_cache_use(p->feed, e) && staged_feed_finish(p->feed, e);
}

static void pages_free(struct pages *p)
{
    page_list_free(&p->list);
}

bool pages_fetch(const struct ingest_request *r, struct exchange *x, struct staged_feed *feed,
                 struct err *e)
{
    struct pages p CLEANUP(pages_free) = {.request = r, .exchange = x, .feed = feed};
    const struct staged_feed_urls urls = {.add = add_url, .context = &p};
    if (!page_list_make(r->source.custodian.base_url, r->task->settings->feed.max_documents,
                        &p.list, e) ||
        !staged_feed_open(r, &urls, feed, e) || !task_go_on(r->task, "fetching", e))
        return false;
    if (fetch_all(&p, e))
        return true;
    /* what will always fail is dropped, so that the next parse does not meet it again */
    if (e->kind == ERR_REJECT && (r->next.is_pending || p.is_stored) &&
        strcmp(e->code, "authorization_refused") != 0)
        async_request_give_up(r);
    return false;
}
