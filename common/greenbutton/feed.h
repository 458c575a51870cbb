/* Fetches one Green Button feed over HTTP: bytes out as they come, each status its own outcome. */
#ifndef METERBEAT_GREENBUTTON_FEED_H
#define METERBEAT_GREENBUTTON_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/http/client.h"

/* Called on the fetching thread, from within feed_fetch. */
struct feed_sink {
    /* The next decoded bytes of a 200; false ends the fetch with that error. */
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Asked at least every second, also while nothing arrives; true ends the fetch. */
    bool (*should_stop)(void *context);
    void *context;
};

#define FEED_VALIDATOR 512 /* an ETag: longer ones are as good as none */
#define FEED_LOCATION 4096

/* How much came, and what it was decoded to. */
struct feed_volume {
    uint64_t arrived, decoded;
};

/* What is asked for; strings borrowed, NULL: none. */
struct feed_request {
    struct http_peer peer;
    const char *bearer;               /* OAuth 2.0 access token */
    const char *etag, *last_modified; /* of the answer that is there already: 304 is hoped for */
    bool may_wait;                    /* 202, or pending_status, is an answer and no error */
    long pending_status;
    struct feed_volume *volume; /* of all documents of one answer so far; NULL: of this one */
};

struct feed_answer {
    long status;
    uint64_t bytes;    /* decoded */
    bool is_unchanged; /* 304: nothing arrived, nothing is new */
    bool is_accepted;  /* asked for, not ready yet; nothing arrived */
    int32_t retry_after_s;
    char etag[FEED_VALIDATOR], last_modified[64], location[FEED_LOCATION]; /* "": none */
};

/*
 * GET, no redirect followed, no proxy, gzip accepted, all of settings.feed's limits in force. True
 * only for a whole 200, for a 304, and for what is_accepted. False: what feed_status_check says;
 * ERR_RETRY "feed_unreachable", "feed_timeout", "feed_tls", "feed_cut_off", "feed_stopped"
 * (should_stop said so); ERR_REJECT "feed_tls_refused" (a certificate, theirs or ours),
 * "feed_address", "feed_too_large", "feed_bad_encoding" (another coding than gzip, or several),
 * "feed_ratio" (feed.max_ratio, beyond 10 MB); or what the sink said.
 */
MUST_CHECK bool feed_fetch(const struct settings *s, const struct feed_request *request,
                           const struct feed_sink *sink, struct feed_answer *ret_answer,
                           struct err *e);
/* The outcome of an HTTP status that is not 200: fills e (kind, code, text, retry_after_s), returns
 * false; true for 200 and 304 only. Pure. */
MUST_CHECK bool feed_status_check(long status, int64_t retry_after_s, const char *shown,
                                  struct err *e);

#endif
