/* Fetches one Green Button feed over HTTP: bytes out as they come, each status its own outcome. */
#include "common/greenbutton/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/redact.h"
#include "common/http/client.h"

/* A real feed is never so much smaller on its way before this many bytes. */
#define FEED_RATIO_FREE_BYTES (UINT64_C(10) << 20)
#define FEED_RETRY_AFTER_MAX_S (24 * 3600)

struct feed_transfer {
    const struct settings *settings;
    const struct feed_request *request;
    const struct feed_sink *sink;
    const char *shown;
    CURL *curl;
    struct curl_slist *headers;
    struct http_guard guard;
    struct feed_answer answer;
    uint64_t bytes, arrived;
    struct feed_volume volume; /* of this answer alone */
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

/* What RFC 9110 wants of new headers, and what every table takes. */
static bool feed_is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

/* "Name: value" -> value into out, or nothing: too long a one, or one of other bytes than visible
 * ASCII and blanks, is as good as none. */
static void feed_header_value(const char *line, size_t len, const char *name, char *out,
                              size_t room)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return;
    line += name_len + 1, len -= name_len + 1;
    while (len && strchr(" \t", *line))
        line++, len--;
    while (len && strchr(" \t\r\n", line[len - 1]))
        len--;
    out[0] = '\0';
    if (len >= room || !feed_is_ascii(line, len))
        return;
    memcpy(out, line, len);
    out[len] = '\0';
}

static void feed_keep_header(struct feed_answer *a, const char *line, size_t len)
{
    if (len > 5 && strncmp(line, "HTTP/", 5) == 0) /* of the last answer only: not of a 100 */
        a->etag[0] = a->last_modified[0] = a->location[0] = '\0';
    feed_header_value(line, len, "ETag", a->etag, sizeof a->etag);
    feed_header_value(line, len, "Last-Modified", a->last_modified, sizeof a->last_modified);
    feed_header_value(line, len, "Location", a->location, sizeof a->location);
}

/* They are stored: one that repeats the token is as good as none. */
static void feed_forget_repeated(struct feed_answer *a, const char *bearer)
{
    char *const kept[] = {a->etag, a->last_modified, a->location};
    for (size_t i = 0; bearer && i < ARRAY_LEN(kept); i++)
        if (kept[i][0] && redact_finds(kept[i], &(struct redact_secrets){.of = {bearer}}))
            kept[i][0] = '\0';
}

static void feed_on_header(void *context, const char *line, size_t len)
{
    struct feed_transfer *t = context;
    feed_keep_header(&t->answer, line, len);
    feed_forget_repeated(&t->answer, t->request->bearer);
}

/* Of all documents of one answer together: many small ones make a large one. */
static bool feed_ratio_is_right(struct feed_transfer *t, size_t len)
{
    curl_off_t arrived = 0;
    curl_easy_getinfo(t->curl, CURLINFO_SIZE_DOWNLOAD_T, &arrived);
    struct feed_volume *v = t->request->volume ? t->request->volume : &t->volume;
    v->decoded += len;
    v->arrived += (uint64_t)arrived - t->arrived;
    t->arrived = (uint64_t)arrived;
    if (v->decoded <= FEED_RATIO_FREE_BYTES ||
        v->decoded / (uint64_t)t->settings->feed.max_ratio <= v->arrived)
        return true;
    return err_set(&t->failure, ERR_REJECT, "feed_ratio",
                   "%s: %" PRIu64 " bytes out of %" PRIu64 ", more than feed.max_ratio (%" PRId64
                   ") to one",
                   t->shown, v->decoded, v->arrived, t->settings->feed.max_ratio);
}

/* Bytes are counted here, decoded: libcurl's own limit sees neither gzip nor unknown lengths. */
static size_t feed_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct feed_transfer *t = context;
    size_t len = size * count;
    if (http_status(t->curl) != 200)
        return 0; /* what an error page says is not read */
    t->bytes += len;
    if (t->bytes > (uint64_t)t->settings->feed.max_bytes) {
        (void)err_set(&t->failure, ERR_REJECT, "feed_too_large",
                      "more than feed.max_bytes (%" PRId64 ") from %s", t->settings->feed.max_bytes,
                      t->shown);
        return 0;
    }
    if (!feed_ratio_is_right(t, len))
        return 0;
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

static bool feed_add_header(struct feed_transfer *t, const char *name, const char *value)
{
    char line[FEED_VALIDATOR + 40];
    if (!value || !*value)
        return true;
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(t->headers, line);
    t->headers = more ? more : t->headers;
    return more != NULL;
}

static CURLcode feed_set_headers(struct feed_transfer *t)
{
    CURLcode r = CURLE_OK;
    if (!feed_add_header(t, "If-None-Match", t->request->etag) ||
        !feed_add_header(t, "If-Modified-Since", t->request->last_modified))
        return CURLE_OUT_OF_MEMORY;
    if (t->headers)
        r |= curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
    if (t->request->bearer) {
        r |= curl_easy_setopt(t->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        r |= curl_easy_setopt(t->curl, CURLOPT_XOAUTH2_BEARER, t->request->bearer);
    }
    return r;
}

static bool feed_prepare(struct feed_transfer *t, struct err *e)
{
    const struct settings *s = t->settings;
    CURL *c = t->curl;
    t->guard.on_header = feed_on_header;
    t->guard.context = t;
    if (!http_prepare(c, s, &t->guard, e))
        return false;
    CURLcode r = feed_set_headers(t);
    r |= curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    r |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)s->feed.low_speed_bytes);
    r |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)s->feed.low_speed_s);
    r |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, feed_on_body);
    r |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    r |= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, feed_on_progress);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    return r == CURLE_OK ||
           err_set(e, ERR_RETRY, "no_memory", "cannot prepare a request to %s", t->shown);
}

/* 202, and what this custodian says instead. */
static bool feed_is_accepted(const struct feed_request *r, long status)
{
    return r->may_wait && (status == 202 || (status == r->pending_status && status > 200));
}

static bool feed_outcome(struct feed_transfer *t, CURLcode code, struct err *e)
{
    if (t->failure.kind != ERR_NONE) {
        if (e)
            *e = t->failure;
        return false;
    }
    if (t->guard.failure.kind != ERR_NONE)
        return http_failure(t->curl, &t->guard, code, t->bytes, e);
    if (t->is_stopped)
        return err_set(e, ERR_RETRY, "feed_stopped", "stopped while fetching %s", t->shown);
    struct feed_answer *a = &t->answer;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &retry_after);
    a->status = http_status(t->curl);
    a->bytes = t->bytes;
    a->is_unchanged = a->status == 304;
    a->is_accepted = feed_is_accepted(t->request, a->status);
    a->retry_after_s =
        retry_after < FEED_RETRY_AFTER_MAX_S ? (int32_t)retry_after : FEED_RETRY_AFTER_MAX_S;
    if (a->is_accepted)
        return true;
    /* with a status of its own the custodian has answered, however its error page ended */
    if (a->status >= 200 && !feed_status_check(a->status, retry_after, t->shown, e))
        return false;
    return code == CURLE_OK || a->is_unchanged ||
           http_failure(t->curl, &t->guard, code, t->bytes, e);
}

static void feed_transfer_free(struct feed_transfer *t)
{
    curl_easy_cleanup(t->curl);
    curl_slist_free_all(t->headers);
}

bool feed_fetch(const struct settings *s, const struct feed_request *request,
                const struct feed_sink *sink, struct feed_answer *ret_answer, struct err *e)
{
    const struct http_setup setup = {.connect_timeout_s = s->feed.connect_timeout_s,
                                     .timeout_s = s->feed.timeout_s,
                                     .ca_file = s->feed.ca_file};
    struct feed_transfer t CLEANUP(feed_transfer_free) = {.settings = s,
                                                          .request = request,
                                                          .sink = sink,
                                                          .shown = request->peer.shown,
                                                          .curl = http_new(&setup),
                                                          .guard = {.peer = &request->peer}};
    if (!t.curl)
        return err_set(e, ERR_RETRY, "no_memory", "cannot prepare a request to %s", t.shown);
    if (!feed_prepare(&t, e))
        return false;
    CURLcode code = curl_easy_perform(t.curl);
    if (!feed_outcome(&t, code, e))
        return false;
    *ret_answer = t.answer;
    return true;
}
