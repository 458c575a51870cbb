/* Fetches one Green Button feed over HTTP: bytes out as they come, each status its own outcome. */
#include "meter/feed.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

#define FEED_HEADER_BYTES_MAX (64 * 1024)
#define FEED_RETRY_AFTER_MAX_S (24 * 3600)

struct feed_transfer {
    const struct settings *settings;
    const struct feed_sink *sink;
    const char *shown;
    CURL *curl;
    uint64_t bytes;
    size_t header_bytes;
    bool is_stopped;
    struct err failure; /* kind ERR_NONE: none of our own */
};

struct feed_status {
    long first, last;
    enum err_kind kind;
    const char *code, *meaning;
};

/* First match counts. */
static const struct feed_status feed_statuses[] = {
    {202, 202, ERR_RETRY, "feed_not_ready", "accepted, not ready yet"},
    {201, 299, ERR_REJECT, "feed_no_data", "only 200 carries data"},
    {300, 399, ERR_REJECT, "feed_redirect",
     "redirects are not followed: put the new URL into the record"},
    {401, 401, ERR_REJECT, "feed_unauthorized", "the custodian wants (other) credentials"},
    {403, 403, ERR_REJECT, "feed_forbidden", "the authorization was refused or withdrawn"},
    {404, 404, ERR_REJECT, "feed_not_found", "no such subscription there"},
    {408, 408, ERR_RETRY, "feed_request_timeout", "the custodian gave up waiting"},
    {410, 410, ERR_REJECT, "feed_gone", "the subscription is gone for good"},
    {425, 425, ERR_RETRY, "feed_too_early", "too early"},
    {429, 429, ERR_RETRY, "feed_rate_limited", "too many requests"},
    {400, 499, ERR_REJECT, "feed_refused", "the custodian refuses this request"},
    {503, 503, ERR_RETRY, "feed_unavailable", "the custodian is not available"},
    {500, 599, ERR_RETRY, "feed_server_error", "the custodian failed"},
};

bool feed_status_check(long status, int64_t retry_after_s, const char *shown, struct err *e)
{
    if (status == 200 || status == 304)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(feed_statuses); i++) {
        const struct feed_status *s = &feed_statuses[i];
        if (status < s->first || status > s->last)
            continue;
        (void)err_set(e, s->kind, s->code, "HTTP %ld from %s: %s", status, shown, s->meaning);
        if (e && s->kind == ERR_RETRY && retry_after_s > 0)
            e->retry_after_s =
                (int32_t)(retry_after_s < FEED_RETRY_AFTER_MAX_S ? retry_after_s
                                                                 : FEED_RETRY_AFTER_MAX_S);
        return false;
    }
    return err_set(e, ERR_REJECT, "feed_bad_status", "HTTP status %ld from %s", status, shown);
}

static long feed_transfer_status(struct feed_transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t feed_on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct feed_transfer *t = context;
    (void)bytes;
    t->header_bytes += size * count;
    if (t->header_bytes <= FEED_HEADER_BYTES_MAX)
        return size * count;
    (void)err_set(&t->failure, ERR_REJECT, "feed_too_large",
                  "more than %d bytes of headers from %s", FEED_HEADER_BYTES_MAX, t->shown);
    return 0;
}

/* Bytes are counted here, decoded: libcurl's own limit sees neither gzip nor unknown lengths. */
static size_t feed_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct feed_transfer *t = context;
    size_t len = size * count;
    if (feed_transfer_status(t) != 200)
        return 0; /* what an error page says is not read */
    t->bytes += len;
    if (t->bytes > (uint64_t)t->settings->feed.max_bytes) {
        (void)err_set(&t->failure, ERR_REJECT, "feed_too_large",
                      "more than feed.max_bytes (%" PRId64 ") from %s", t->settings->feed.max_bytes,
                      t->shown);
        return 0;
    }
    if (t->sink->bytes(t->sink->context, bytes, len, &t->failure))
        return len;
    (void)err_wrap(&t->failure, "%s", t->shown);
    return 0;
}

static int feed_on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct feed_transfer *t = context;
    (void)a, (void)b, (void)c, (void)d;
    t->is_stopped = t->sink->should_stop && t->sink->should_stop(t->sink->context);
    return t->is_stopped;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static bool feed_prepare(struct feed_transfer *t, const char *url)
{
    const struct settings *s = t->settings;
    CURL *c = t->curl;
    CURLcode r = curl_easy_setopt(c, CURLOPT_URL, url);
    r |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    r |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    r |= curl_easy_setopt(c, CURLOPT_PROXY, "");
    r |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    r |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    r |= curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    r |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)s->feed.connect_timeout_s);
    r |= curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)s->feed.timeout_s);
    r |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)s->feed.low_speed_bytes);
    r |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)s->feed.low_speed_s);
    r |= curl_easy_setopt(c, CURLOPT_USERAGENT, or_null(s->feed.user_agent));
    if (or_null(s->feed.ca_file))
        r |= curl_easy_setopt(c, CURLOPT_CAINFO, s->feed.ca_file);
    r |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, feed_on_header);
    r |= curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    r |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, feed_on_body);
    r |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    r |= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, feed_on_progress);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    return r == CURLE_OK;
}

struct feed_transport {
    CURLcode curl;
    enum err_kind kind;
    const char *code;
};

static const struct feed_transport feed_transports[] = {
    {CURLE_URL_MALFORMAT, ERR_REJECT, "bad_url"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_REJECT, "bad_url"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_RETRY, "feed_unreachable"},
    {CURLE_COULDNT_CONNECT, ERR_RETRY, "feed_unreachable"},
    {CURLE_OPERATION_TIMEDOUT, ERR_RETRY, "feed_timeout"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_REJECT, "feed_tls_refused"},
    {CURLE_SSL_CONNECT_ERROR, ERR_RETRY, "feed_tls"},
    {CURLE_SSL_CERTPROBLEM, ERR_REJECT, "feed_tls_refused"},
    {CURLE_BAD_CONTENT_ENCODING, ERR_REJECT, "feed_bad_encoding"},
    {CURLE_PARTIAL_FILE, ERR_RETRY, "feed_cut_off"},
    {CURLE_GOT_NOTHING, ERR_RETRY, "feed_cut_off"},
    {CURLE_RECV_ERROR, ERR_RETRY, "feed_cut_off"},
    {CURLE_OUT_OF_MEMORY, ERR_RETRY, "no_memory"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_REJECT, "feed_not_http"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_REJECT, "feed_not_http"},
};

static bool feed_transport_error(const struct feed_transfer *t, CURLcode code, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(feed_transports); i++)
        if (feed_transports[i].curl == code)
            return err_set(e, feed_transports[i].kind, feed_transports[i].code,
                           "%s: %s, after %" PRIu64 " bytes", t->shown, curl_easy_strerror(code),
                           t->bytes);
    return err_set(e, ERR_RETRY, "feed_transfer", "%s: %s, after %" PRIu64 " bytes", t->shown,
                   curl_easy_strerror(code), t->bytes);
}

static bool feed_outcome(struct feed_transfer *t, CURLcode code, struct err *e)
{
    if (t->failure.kind != ERR_NONE) {
        if (e)
            *e = t->failure;
        return false;
    }
    if (t->is_stopped)
        return err_set(e, ERR_RETRY, "feed_stopped", "stopped while fetching %s", t->shown);
    long status = feed_transfer_status(t);
    curl_off_t retry_after = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &retry_after);
    /* with a status of its own the custodian has answered, however its error page ended */
    if (status >= 200 && !feed_status_check(status, retry_after, t->shown, e))
        return false;
    return code == CURLE_OK || status == 304 ? true : feed_transport_error(t, code, e);
}

static void curl_cleanup_at(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

bool feed_fetch(const struct settings *s, const char *url, const char *shown,
                const struct feed_sink *sink, struct feed_answer *ret_answer, struct err *e)
{
    CURL *curl CLEANUP(curl_cleanup_at) = curl_easy_init();
    struct feed_transfer t = {.settings = s, .sink = sink, .shown = shown, .curl = curl};
    if (!curl || !feed_prepare(&t, url))
        return err_set(e, ERR_RETRY, "no_memory", "cannot prepare a request to %s", shown);
    CURLcode code = curl_easy_perform(curl);
    if (!feed_outcome(&t, code, e))
        return false;
    long status = feed_transfer_status(&t);
    *ret_answer =
        (struct feed_answer){.status = status, .bytes = t.bytes, .is_unchanged = status == 304};
    return true;
}
