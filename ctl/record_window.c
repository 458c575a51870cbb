/* The window and URL of a record's next parse, as the worker decides them: checked before a record
 * is added, and shown. */
#include "ctl/record_window.h"

#include "worker/ingest/next_window.h"

bool record_window(struct pg *pg, const struct settings *s, const struct timezone_rules *zone,
                   const struct record *r, int64_t now_s, struct record_window *ret_next,
                   struct err *e)
{
    struct record_source source CLEANUP(record_source_free) = {0};
    struct next_window next CLEANUP(next_window_free) = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    const struct window_question q = {
        .settings = s, .zone = zone, .record = r, .source = &source, .now_s = now_s};
    *ret_next = (struct record_window){0};
    if (!record_source_load(pg, NULL, r->id, &source, e) || !next_window_find(pg, &q, &next, e))
        return false;
    ret_next->window = next.window;
    ret_next->is_pending = next.is_pending;
    if (next.window.nothing)
        return true;
    if (!next_window_url(&q, &next.window, &url, e))
        return false;
    record_url_show(url.data, source.has_custodian ? source.subscription.resource : r->sub_id,
                    ret_next->url);
    return true;
}
