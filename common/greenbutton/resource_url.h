/* The URLs of a Data Custodian's REST interface (ESPI), and which URLs in its answers may be
 * followed. */
#ifndef METERBEAT_GREENBUTTON_RESOURCE_URL_H
#define METERBEAT_GREENBUTTON_RESOURCE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* Strings borrowed, NULL counts as "". */
struct resource_url {
    const char *base_url;                      /* with or without a trailing slash */
    const char *kind;                          /* "subscription", "bulk" or "path" */
    const char *resource;                      /* its id; for path: the part after base_url */
    const char *min_parameter, *max_parameter; /* "" = left out */
    bool by_epoch;       /* epoch seconds; else RFC 3339, whole seconds, UTC */
    bool accepts_future; /* false: max is clamped to now */
    int64_t from_s, to_s, now_s;
};

/*
 * base/Batch/Subscription/{id}, base/Batch/Bulk/{id} or base/{path}, with the window as parameters.
 * False: ERR_REJECT "bad_url" (allowed: https or http, no user, no fragment, no "." or ".." in the
 * path, an id of one segment). The caller frees it with buf_free. Pure, like everything here.
 */
MUST_CHECK bool resource_url_build(const struct resource_url *u, struct buf *ret_url,
                                   struct err *e);
/*
 * Resolves href (absolute, or relative to `of`) to an absolute URL. False: ERR_REJECT "bad_url", or
 * "feed_foreign_url" unless it has the scheme, host and port of base_url: the token may not go
 * anywhere else.
 */
MUST_CHECK bool resource_url_follow(const char *base_url, const char *of, const char *href,
                                    struct buf *ret_url, struct err *e);
/* "name:port" of a URL, in lower case. False: ERR_REJECT "bad_url". */
#define RESOURCE_HOST 280
MUST_CHECK bool resource_url_host(const char *url, char out[RESOURCE_HOST], struct err *e);

#endif
