/* What all requests to utilities have in common: limits, TLS, addresses, and how they fail. */
#ifndef METERBEAT_METER_HTTP_H
#define METERBEAT_METER_HTTP_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "config/settings.h"
#include "meter/address.h"

/* Who is asked how; strings borrowed, NULL: none. */
struct http_peer {
    const char *url;
    const char *shown;                     /* how the URL may stand in errors */
    const char *certificate, *private_key; /* PEM, for mutual TLS */
    const char *networks;                  /* besides public addresses; NULL: any address */
};

/* Lives as long as the transfer. */
struct http_guard {
    const struct http_peer *peer;
    char refused[ADDRESS_TEXT]; /* the address that may not be asked; "" */
};

/* http and https only, no redirect, no proxy, TLS 1.2 or later, the peer verified; the address is
 * decided on when it is connected to. False: ERR_RETRY "no_memory". */
MUST_CHECK bool http_prepare(CURL *c, const struct settings *s, struct http_guard *g,
                             int64_t timeout_s, struct err *e);
/* Why a transfer without an HTTP answer failed: ERR_RETRY "feed_unreachable", "feed_timeout",
 * "feed_tls", "feed_cut_off", "no_memory"; ERR_REJECT "feed_tls_refused", "feed_address",
 * "bad_url", ... Returns false. */
bool http_failure(const struct http_guard *g, CURLcode code, uint64_t bytes, struct err *e);
long http_status(CURL *c);
void http_free(CURL **c); /* for CLEANUP */

#endif
