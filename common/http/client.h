/* What all requests to utilities have in common: limits, TLS, addresses, and how they fail. */
#ifndef METERBEAT_HTTP_CLIENT_H
#define METERBEAT_HTTP_CLIENT_H

#include <curl/curl.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/http/address.h"

/* Of one answer, all its lines together. */
#define HTTP_HEADER_BYTES_MAX (64 * 1024)

/* Who is asked how; strings borrowed, NULL: none. */
struct http_peer {
    const char *url;
    const char *shown;                     /* how the URL may stand in errors */
    const char *certificate, *private_key; /* PEM, for mutual TLS */
    enum address_scope scope;
};

/* Lives as long as the transfer; begin with peer alone. */
struct http_guard {
    const struct http_peer *peer;
    struct address_rule rule;
    struct address_own own;
    char refused[ADDRESS_TEXT];   /* the address that may not be asked; "" */
    char connected[ADDRESS_TEXT]; /* the one that is asked; "" */
    bool is_internal;             /* and neither public nor listed */
    size_t header_bytes;          /* 0: nobody has answered in HTTP */
    int encodings;                /* of the answer's body, one upon the other */
    struct err failure;           /* of the headers; kind ERR_NONE: none */
    /* Each line of them, for the caller; may be NULL. */
    void (*on_header)(void *context, const char *line, size_t len);
    void *context;
};

/* What feed.record_addresses says. */
enum address_scope http_record_scope(const struct settings *s);
/* http and https only, no redirect, no proxy, TLS 1.2 or later, the peer verified, headers bounded,
 * no more than one content coding; the address is decided on when it is connected to. False:
 * ERR_RETRY "no_memory", "own_servers_unknown". */
MUST_CHECK bool http_prepare(CURL *c, const struct settings *s, struct http_guard *g,
                             int64_t timeout_s, struct err *e);
/*
 * Why a transfer without an HTTP answer failed: ERR_RETRY "feed_unreachable", "feed_timeout",
 * "feed_tls", "feed_cut_off", "no_memory"; ERR_REJECT "feed_tls_refused", "feed_address",
 * "feed_bad_encoding", "feed_too_large", "bad_url", ... An address inside the own network that
 * answered nothing is "feed_unreachable" whatever its ports do; err.detail has the reason. Returns
 * false.
 */
bool http_failure(CURL *c, const struct http_guard *g, CURLcode code, uint64_t bytes,
                  struct err *e);
/* Why a certificate was refused, from CURLINFO_SSL_VERIFYRESULT: expired, of an unknown authority,
 * for another name. */
const char *http_certificate_fault(CURL *c);
long http_status(CURL *c);
void http_free(CURL **c); /* for CLEANUP */

/* Why there was no answer, of CURLE_SSL_CONNECT_ERROR. */
#define HTTP_HANDSHAKE_FAULT "the TLS handshake failed: does that port speak TLS, 1.2 at least?"

#endif
