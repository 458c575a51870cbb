/* First step of a parse: fetches the window and stages it, completely or not at all. */
#include "worker/ingest/fetch.h"

#include "common/greenbutton/record_url.h"
#include "worker/ingest/pages.h"

/* The seed's own way: one URL, one answer, no token. */
static bool fetch_one(const struct ingest_request *r, struct staged_feed *feed, struct err *e)
{
    const struct settings *s = r->task->settings;
    const struct window_question q = request_window_question(r);
    struct buf url CLEANUP(buf_free) = buf_make(0);
    char shown[RECORD_URL_SHOWN];
    struct feed_answer answer = {0};
    if (!staged_feed_open(r, NULL, feed, e) || !task_go_on(r->task, "fetching", e) ||
        !next_window_url(&q, &r->next.window, &url, e))
        return false;
    record_url_show(url.data, r->record.sub_id, shown);
    const struct feed_request request = {
        .peer = {.url = url.data, .shown = shown, .scope = http_record_scope(s)}};
    const struct feed_sink sink = staged_feed_sink(feed);
    if (!feed_fetch(s, &request, &sink, &answer, e))
        return task_stopped(&feed->stop, e);
    feed->is_unchanged = answer.is_unchanged;
    return feed->is_unchanged || (staged_feed_packed_end(feed, e) && staged_feed_finish(feed, e)) ||
           err_wrap(e, "%s", shown);
}

bool ingest_fetch(const struct ingest_request *r, struct exchange *x, struct staged_feed *feed,
                  struct err *e)
{
    return (x ? pages_fetch(r, x, feed, e) : fetch_one(r, feed, e)) &&
           (feed->is_unchanged || staging_flush(feed->stage, e));
}
