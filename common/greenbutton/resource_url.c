/* The URLs of a Data Custodian's REST interface: what to ask for, and which answers' URLs to
 * follow. */
#include "common/greenbutton/resource_url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/greenbutton/record_url.h"

static void curl_url_cleanup_at(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void curl_free_at(char **text)
{
    curl_free(*text);
}

static bool bad(struct err *e, const char *why)
{
    return err_set(e, ERR_REJECT, "bad_url", "url: %s", why);
}

/* --- what a URL consists of ------------------------------------------------------------------- */

/* libcurl would send control characters on, and take blanks for part of a host. */
static bool is_clean(const char *url)
{
    for (; *url; url++)
        if ((unsigned char)*url <= ' ' || *url == 0x7f)
            return false;
    return true;
}

static CURLU *url_parse(const char *url, struct err *e)
{
    CURLU *u = curl_url();
    if (!u) {
        err_set(e, ERR_RETRY, "no_memory", "no memory for a URL");
        return NULL;
    }
    CURLUcode code =
        is_clean(url) ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_MALFORMED_INPUT;
    if (code == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    bad(e, curl_url_strerror(code));
    return NULL;
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text CLEANUP(curl_free_at) = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK;
}

static bool url_check(CURLU *u, struct err *e)
{
    char *scheme CLEANUP(curl_free_at) = NULL;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        return bad(e, "neither http nor https");
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
        return bad(e, "has a user in it");
    return !has_part(u, CURLUPART_FRAGMENT) || bad(e, "has a #fragment, which is never sent");
}

static bool url_host(CURLU *u, char out[RESOURCE_HOST], struct err *e)
{
    char *host CLEANUP(curl_free_at) = NULL;
    char *port CLEANUP(curl_free_at) = NULL;
    if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        strlen(host) > 255)
        return bad(e, "no host");
    snprintf(out, RESOURCE_HOST, "%s:%s", host, port);
    for (char *at = out; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return true;
}

bool resource_url_host(const char *url, char out[RESOURCE_HOST], struct err *e)
{
    CURLU *u CLEANUP(curl_url_cleanup_at) = url_parse(url, e);
    return u && url_check(u, e) && url_host(u, out, e);
}

/* --- making one ------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool append(struct buf *out, const char *text, struct err *e)
{
    return buf_append(out, text, strlen(text), e);
}

/* RFC 3986's unreserved characters stay, and those of `also`. */
static bool append_encoded(struct buf *out, const char *text, const char *also, struct err *e)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = isalnum(c) || strchr("-._~", c) || strchr(also, c);
        if (plain ? !buf_append(out, text, 1, e) : !buf_printf(out, e, "%%%02X", c))
            return false;
    }
    return true;
}

static bool append_base(struct buf *out, const char *base, struct err *e)
{
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    if (!len)
        return bad(e, "no base_url");
    if (memchr(base, '?', len) || memchr(base, '#', len))
        return bad(e, "base_url has a query");
    return buf_append(out, base, len, e);
}

static bool append_id(struct buf *out, const char *id, struct err *e)
{
    if (!*id || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return bad(e, "no id of a subscription");
    return append_encoded(out, id, "", e);
}

/* No way out of base_url: ESPI's paths have no dots between slashes. */
static bool append_path(struct buf *out, const char *path, struct err *e)
{
    for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
        size_t len = strcspn(path, "/");
        char segment[256];
        if (len >= sizeof segment)
            return bad(e, "a path with a segment of more than 255 bytes");
        memcpy(segment, path, len);
        segment[len] = '\0';
        if (!append(out, "/", e) || !append_id(out, segment, e))
            return false;
        path += len;
    }
    return true;
}

static bool append_resource(struct buf *out, const struct resource_url *u, struct err *e)
{
    const char *kind = or_empty(u->kind), *resource = or_empty(u->resource);
    if (strcmp(kind, "path") == 0)
        return *resource ? append_path(out, resource, e) : bad(e, "no path");
    bool is_bulk = strcmp(kind, "bulk") == 0;
    if (!is_bulk && strcmp(kind, "subscription") != 0)
        return bad(e, "neither subscription, bulk nor path");
    return append(out, is_bulk ? "/Batch/Bulk/" : "/Batch/Subscription/", e) &&
           append_id(out, resource, e);
}

static bool append_instant(struct buf *out, const struct resource_url *u, const char *name,
                           int64_t at_s, struct err *e)
{
    char text[CLOCK_TEXT];
    const char *separator = strchr(out->data, '?') ? "&" : "?";
    if (!*or_empty(name))
        return true;
    if (u->by_epoch)
        snprintf(text, sizeof text, "%" PRId64, at_s);
    else
        snprintf(text, sizeof text, "%.19sZ", clock_format_utc(at_s * 1000, (char[CLOCK_TEXT]){0}));
    /* a colon may stand in a query, and validators that compare texts want it as it is */
    return append(out, separator, e) && append_encoded(out, name, "", e) && append(out, "=", e) &&
           append_encoded(out, text, ":", e);
}

static bool build(struct buf *out, const struct resource_url *u, struct err *e)
{
    int64_t to_s = u->to_s > u->now_s && !u->accepts_future ? u->now_s : u->to_s;
    return append_base(out, or_empty(u->base_url), e) && append_resource(out, u, e) &&
           append_instant(out, u, u->min_parameter, u->from_s, e) &&
           append_instant(out, u, u->max_parameter, to_s, e);
}

bool resource_url_build(const struct resource_url *u, struct buf *ret_url, struct err *e)
{
    struct buf out CLEANUP(buf_free) = buf_make(RECORD_URL_MAX);
    char host[RESOURCE_HOST];
    if (!build(&out, u, e)) {
        if (e && strcmp(e->code, "too_large") == 0)
            err_set(e, ERR_REJECT, "bad_url", "url: longer than %d bytes", RECORD_URL_MAX);
        return false;
    }
    if (!resource_url_host(out.data, host, e))
        return false;
    *ret_url = out;
    out = buf_make(0);
    return true;
}

/* --- following one ---------------------------------------------------------------------------- */

static bool same_origin(CURLU *a, CURLU *b)
{
    char *one CLEANUP(curl_free_at) = NULL;
    char *other CLEANUP(curl_free_at) = NULL;
    char hosts[2][RESOURCE_HOST];
    return curl_url_get(a, CURLUPART_SCHEME, &one, 0) == CURLUE_OK &&
           curl_url_get(b, CURLUPART_SCHEME, &other, 0) == CURLUE_OK && strcmp(one, other) == 0 &&
           url_host(a, hosts[0], NULL) && url_host(b, hosts[1], NULL) &&
           strcmp(hosts[0], hosts[1]) == 0;
}

bool resource_url_follow(const char *base_url, const char *of, const char *href,
                         struct buf *ret_url, struct err *e)
{
    CURLU *base CLEANUP(curl_url_cleanup_at) = url_parse(base_url, e);
    CURLU *u CLEANUP(curl_url_cleanup_at) = base ? url_parse(of, e) : NULL;
    char *text CLEANUP(curl_free_at) = NULL;
    char shown[RECORD_URL_SHOWN];
    if (!u)
        return false;
    if (!*href || strlen(href) > RECORD_URL_MAX || !is_clean(href) ||
        curl_url_set(u, CURLUPART_URL, href, 0) != CURLUE_OK)
        return bad(e, "an answer names one that cannot be read");
    if (!url_check(u, e))
        return false;
    if (curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return bad(e, "an answer names one that cannot be read");
    record_url_show(text, "", shown);
    if (!same_origin(base, u))
        return err_set(e, ERR_REJECT, "feed_foreign_url",
                       "an answer leads to another host: %s; its token is for %s", shown, base_url);
    struct buf out = buf_make(RECORD_URL_MAX);
    if (!append(&out, text, e)) {
        buf_free(&out);
        return bad(e, "an answer names one that is too long");
    }
    *ret_url = out;
    return true;
}
