/* What all requests to utilities share: limits, TLS, addresses, and the classification of
 * failures. */
#ifndef METERBEAT_HTTP_CLIENT_H
#define METERBEAT_HTTP_CLIENT_H

#include <curl/curl.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/http/address.h"

/* For all header lines of one response together. */
#define HTTP_HEADER_BYTES_MAX (64 * 1024)

/* The peer of a request; strings borrowed, NULL: none. */
struct http_peer {
    const char *url;
    const char *shown;                     /* the URL, redacted for error messages */
    const char *certificate, *private_key; /* PEM, for mutual TLS */
    enum address_scope scope;
};

/* State of one transfer; must outlive it. Initialise only peer. */
struct http_guard {
    const struct http_peer *peer;
    struct address_rule rule;
    struct address_own own;
    char refused[ADDRESS_TEXT];   /* the address that was not allowed, or "" */
    char connected[ADDRESS_TEXT]; /* the address that was connected to, or "" */
    bool is_internal;             /* that address is neither public nor listed */
    size_t header_bytes;          /* 0: nothing has answered in HTTP */
    int encodings;                /* number of content codings of the body */
    struct err failure;           /* an error in the headers; kind ERR_NONE: none */
    /* Called with each header line; may be NULL. */
    void (*on_header)(void *context, const char *line, size_t len);
    void *context;
};

/* The scope that feed.record_addresses sets. */
enum address_scope http_record_scope(const struct settings *s);
/* How to reach a server, ours or another's. NULL or "": none, or the system's; libcurl copies them. */
struct http_setup {
    int64_t connect_timeout_s, timeout_s;
    const char *ca_file;
    const char *user, *password; /* basic authentication */
};

/*
 * The only place that makes a handle: http and https only, no redirects, no proxy (whatever the
 * environment says), TLS 1.2 or later, peer verified. NULL: no memory. Caller frees with
 * curl_easy_cleanup.
 */
CURL *http_new(const struct http_setup *setup);
/*
 * Prepares a handle for a server that is not ours: bounded headers, at most one content coding; the
 * address is checked when connecting. False: ERR_RETRY "no_memory", "own_servers_unknown".
 */
MUST_CHECK bool http_prepare(CURL *c, const struct settings *s, struct http_guard *g,
                             struct err *e);
/*
 * Classifies a transfer that failed without an HTTP answer: ERR_RETRY "feed_unreachable",
 * "feed_timeout", "feed_tls", "feed_cut_off", "no_memory"; ERR_REJECT "feed_tls_refused",
 * "feed_address", "feed_bad_encoding", "feed_too_large", "bad_url", ... An internal address that
 * does not answer in HTTP is "feed_unreachable", whatever its ports do; err.detail has the reason.
 * Returns false.
 */
bool http_failure(CURL *c, const struct http_guard *g, CURLcode code, uint64_t bytes,
                  struct err *e);
/* Why a certificate was rejected, from CURLINFO_SSL_VERIFYRESULT: expired, unknown authority, or
 * another name. */
const char *http_certificate_fault(CURL *c);
long http_status(CURL *c);
void http_free(CURL **c); /* for CLEANUP */

/* Explains CURLE_SSL_CONNECT_ERROR. */
#define HTTP_HANDSHAKE_FAULT "the TLS handshake failed: does that port speak TLS, 1.2 at least?"

#endif
