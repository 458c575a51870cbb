/* Fetches one Green Button feed over HTTP: bytes out as they come, each status its own outcome. */
#ifndef METERBEAT_METER_FEED_H
#define METERBEAT_METER_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "config/settings.h"

/* Called on the fetching thread, from within feed_fetch. */
struct feed_sink {
    /* The next decoded bytes of a 200; false ends the fetch with that error. */
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    /* Asked at least every second, also while nothing arrives; true ends the fetch. */
    bool (*should_stop)(void *context);
    void *context;
};

struct feed_answer {
    long status;
    uint64_t bytes;    /* decoded */
    bool is_unchanged; /* 304: nothing arrived, nothing is new */
};

/*
 * GET url, no redirect followed, no proxy, gzip accepted, all of settings.feed's limits in force.
 * shown: how the URL may stand in errors. True only for a whole 200, and for a 304.
 * False: what feed_status_error says; ERR_RETRY "feed_unreachable", "feed_timeout", "feed_tls",
 * "feed_cut_off", "feed_stopped" (should_stop said so); ERR_REJECT "feed_tls_refused" (their
 * certificate), "feed_too_large", "feed_bad_encoding"; or what the sink said.
 */
MUST_CHECK bool feed_fetch(const struct settings *s, const char *url, const char *shown,
                           const struct feed_sink *sink, struct feed_answer *ret_answer,
                           struct err *e);
/* The outcome of an HTTP status that is not 200: fills e (kind, code, text, retry_after_s), returns
 * false; true for 200 and 304 only. Pure. */
MUST_CHECK bool feed_status_check(long status, int64_t retry_after_s, const char *shown,
                                  struct err *e);

#endif
