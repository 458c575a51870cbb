/* Fetches one Green Button feed over HTTP, handing over its bytes as they arrive; maps each HTTP
 * status to an error kind and code. */
#ifndef METERBEAT_GREENBUTTON_FEED_H
#define METERBEAT_GREENBUTTON_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/http/client.h"

/* Called from within feed_fetch, on its thread. */
struct feed_sink {
    /* The next decoded bytes of a 200; false aborts the fetch with that error. */
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Called at least every second, even while nothing arrives; true aborts the fetch. */
    bool (*should_stop)(void *context);
    void *context;
};

#define FEED_VALIDATOR 512 /* an ETag; longer ones are ignored */
#define FEED_LOCATION 4096

/* Bytes transferred, and bytes after decoding. */
struct feed_volume {
    uint64_t arrived, decoded;
};

/* A request; strings borrowed, NULL: none. */
struct feed_request {
    struct http_peer peer;
    const char *bearer; /* OAuth 2.0 access token */
    /* validators of the stored answer, for a conditional request that may get a 304 */
    const char *etag, *last_modified;
    bool may_wait; /* 202, or pending_status, is an answer and not an error */
    long pending_status;
    /* accumulates over all documents of one answer; NULL: this document only */
    struct feed_volume *volume;
};

struct feed_answer {
    long status;
    uint64_t bytes;    /* decoded */
    bool is_unchanged; /* 304: no body, nothing new */
    bool is_accepted;  /* accepted but not ready yet (202); no body */
    int32_t retry_after_s;
    char etag[FEED_VALIDATOR], last_modified[64], location[FEED_LOCATION]; /* "": none */
};

/*
 * Sends a GET: no redirects, no proxy, gzip accepted, all limits of settings.feed enforced. True
 * only for a complete 200, for a 304, and, with may_wait, for an answer that is not ready yet.
 * False: as feed_status_check; ERR_RETRY "feed_unreachable", "feed_timeout", "feed_tls",
 * "feed_cut_off", "feed_stopped" (by should_stop); ERR_REJECT "feed_tls_refused" (their certificate
 * or ours), "feed_address", "feed_too_large", "feed_bad_encoding" (a coding other than gzip or
 * deflate, or several), "feed_ratio" (feed.max_ratio, beyond 10 MB); or the sink's error.
 */
MUST_CHECK bool feed_fetch(const struct settings *s, const struct feed_request *request,
                           const struct feed_sink *sink, struct feed_answer *ret_answer,
                           struct err *e);
/* Maps an HTTP status other than 200 or 304 to an error: fills e (kind, code, text, retry_after_s)
 * and returns false. True for 200 and 304. Pure. */
MUST_CHECK bool feed_status_check(long status, int64_t retry_after_s, const char *shown,
                                  struct err *e);

#endif
