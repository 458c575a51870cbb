/* The URLs of one answer's documents, each once, in the order in which they were found. Pure. */
#include "worker/ingest/page_list.h"

#include <inttypes.h>

#include "common/greenbutton/resource_url.h"

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a list of URLs");
}

bool page_list_make(const char *base_url, int64_t max, struct page_list *ret_list, struct err *e)
{
    *ret_list = (struct page_list){
        .base_url = base_url, .max = max, .urls = json_array(), .known = json_object()};
    return (ret_list->urls && ret_list->known) || no_memory(e);
}

void page_list_free(struct page_list *list)
{
    json_decref(list->urls);
    json_decref(list->known);
    *list = (struct page_list){0};
}

bool page_list_add(struct page_list *list, const char *url, struct err *e)
{
    if (json_object_get(list->known, url))
        return true;
    if ((int64_t)json_array_size(list->urls) >= list->max)
        return err_set(e, ERR_REJECT, "too_many_documents",
                       "an answer of more than feed.max_documents (%" PRId64 ") documents",
                       list->max);
    /* a URL that is no UTF-8 is none that a custodian can mean */
    return (json_object_set_new(list->known, url, json_true()) == 0 &&
            json_array_append_new(list->urls, json_string(url)) == 0) ||
           err_set(e, ERR_REJECT, "bad_url", "an answer names a URL that is no text");
}

bool page_list_follow(struct page_list *list, const char *of, const char *href, struct err *e)
{
    struct buf url CLEANUP(buf_free) = buf_make(0);
    return resource_url_follow(list->base_url, of, href, &url, e) &&
           page_list_add(list, url.data, e);
}

bool page_list_add_json(struct page_list *list, const char *json, struct err *e)
{
    json_auto_t *urls = json_loads(json, 0, NULL);
    if (!json_is_array(urls))
        return no_memory(e);
    for (size_t i = 0; i < json_array_size(urls); i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        if (url && !page_list_follow(list, list->base_url, url, e))
            return false;
    }
    return true;
}

size_t page_list_count(const struct page_list *list)
{
    return json_array_size(list->urls);
}

const char *page_list_at(const struct page_list *list, size_t i)
{
    return json_string_value(json_array_get(list->urls, i));
}

char *page_list_json_after_first(const struct page_list *list)
{
    json_auto_t *rest = json_array();
    for (size_t i = 1; i < json_array_size(list->urls); i++)
        if (json_array_append(rest, json_array_get(list->urls, i)) != 0)
            return NULL;
    return json_dumps(rest, JSON_COMPACT);
}
