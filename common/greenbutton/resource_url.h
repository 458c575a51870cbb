/* The URLs of a Data Custodian's REST interface: what to ask for, and which answers' URLs to
 * follow. */
#ifndef METERBEAT_GREENBUTTON_RESOURCE_URL_H
#define METERBEAT_GREENBUTTON_RESOURCE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* Strings borrowed, NULL counts as "". */
struct rest_url {
    const char *base_url;                      /* with or without a slash at its end */
    const char *kind;                          /* "subscription", "bulk" or "path" */
    const char *resource;                      /* its id; for path: what follows base_url */
    const char *min_parameter, *max_parameter; /* "" = left out */
    bool by_epoch;       /* epoch seconds; else RFC 3339, whole seconds, UTC */
    bool accepts_future; /* or else max is clamped to now */
    int64_t from_s, to_s, now_s;
};

/*
 * base/Batch/Subscription/{id}, base/Batch/Bulk/{id} or base/{path}, with the window's instants.
 * False: ERR_REJECT "bad_url": https or http only, no user, no fragment, no "." or ".." in the
 * path, an id of one segment. Caller frees with buf_free. Pure, as all here.
 */
MUST_CHECK bool rest_url_build(const struct rest_url *u, struct buf *ret_url, struct err *e);
/* href (absolute or relative to `of`) as an absolute URL. False: ERR_REJECT "bad_url", or
 * "feed_foreign_url" unless it has scheme, host and port of base_url: the token goes nowhere else.
 */
MUST_CHECK bool rest_url_follow(const char *base_url, const char *of, const char *href,
                                struct buf *ret_url, struct err *e);
/* "name:port" of a URL, lower case. False: ERR_REJECT "bad_url". */
#define REST_HOST 280
MUST_CHECK bool rest_url_host(const char *url, char out[REST_HOST], struct err *e);

#endif
