/* Works out a record's next window and URL, as parse does. */
#include "ctl/record_window.h"

#include <string.h>

static struct window_source source_of(const struct settings *s, const struct record *r)
{
    bool asks = r->min_date_parameter[0] != '\0' || r->max_date_parameter[0] != '\0' ||
                strstr(s->feed.url_template, "{min}") != NULL ||
                strstr(s->feed.url_template, "{from}") != NULL;
    return (struct window_source){.time_type = r->time_type,
                                  .date_pattern = r->date_pattern,
                                  .last_date = r->last_date,
                                  .last_ts = r->last_ts,
                                  .asks_for_dates = asks,
                                  .window_days = s->feed.window_days,
                                  .overlap_days = s->feed.overlap_days,
                                  .history_days = s->feed.history_days};
}

static struct feed_url parts_of(const struct settings *s, const struct record *r,
                                const struct window *w)
{
    return (struct feed_url){.template = s->feed.url_template,
                             .url = r->url,
                             .path = s->feed.path,
                             .sub_id = r->sub_id,
                             .min_name = r->min_date_parameter,
                             .max_name = r->max_date_parameter,
                             .min = w->min,
                             .max = w->max,
                             .from_s = w->from_s,
                             .to_s = w->to_s};
}

bool record_window(const struct settings *s, const struct timezone_rules *zone,
                   const struct record *r, int64_t now_s, struct record_window *ret_next,
                   struct err *e)
{
    CLEANUP(buf_free) struct buf url = buf_make(FEED_URL_MAX);
    struct window_source source = source_of(s, r);
    struct record_window next = {0};
    if (!window_next(&source, zone, now_s, &next.window, e))
        return false;
    struct feed_url parts = parts_of(s, r, &next.window);
    if (!next.window.nothing) {
        if (!feed_url_build(&parts, &url, e))
            return false;
        feed_url_show(url.data, r->sub_id, next.url);
    }
    *ret_next = next;
    return true;
}
