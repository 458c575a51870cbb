/* The URLs of one answer's documents, each once, in the order in which they were found. Pure. */
#ifndef METERBEAT_WORKER_INGEST_PAGE_LIST_H
#define METERBEAT_WORKER_INGEST_PAGE_LIST_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct page_list {
    const char *base_url; /* of the custodian; borrowed */
    int64_t max;          /* feed.max_documents */
    json_t *urls;         /* list of texts */
    json_t *known;        /* the same as keys: no document is fetched twice */
};

/* ERR_RETRY "no_memory". Free with page_list_free, also after a failure. */
MUST_CHECK bool page_list_make(const char *base_url, int64_t max, struct page_list *ret_list,
                               struct err *e);
/* Adding a URL again changes nothing. ERR_REJECT "too_many_documents"; "bad_url": not UTF-8. */
MUST_CHECK bool page_list_add(struct page_list *list, const char *url, struct err *e);
/* href: as written in the document at `of`. Also ERR_REJECT "bad_url", "feed_foreign_url" (not of
 * the custodian's base_url). */
MUST_CHECK bool page_list_follow(struct page_list *list, const char *of, const char *href,
                                 struct err *e);
/* All URLs of a JSON list of texts, each checked again. ERR_RETRY "no_memory": not such a list;
 * those of page_list_follow. */
MUST_CHECK bool page_list_add_json(struct page_list *list, const char *json, struct err *e);
size_t page_list_count(const struct page_list *list);
/* Borrowed. */
const char *page_list_at(const struct page_list *list, size_t i);
/* All but the first, as page_list_add_json takes them. NULL: no memory; else free it. */
char *page_list_json_after_first(const struct page_list *list);
void page_list_free(struct page_list *list); /* for CLEANUP too */

#endif
