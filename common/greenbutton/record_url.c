/* The URL a window is asked for at: SEED's batch syntax or a template; and how it may be shown. */
#include "common/greenbutton/record_url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static size_t length_without_trailing_blanks(const char *text)
{
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    return length;
}

/* Everything but RFC 3986's unreserved characters, in UTF-8 as it comes. */
static bool record_url_encode(struct buf *out, const char *text, size_t length, struct err *e)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool plain = isalnum(c) || strchr("-._~", c);
        if (!buf_append(out, plain ? text + i : escaped, plain ? 1 : 3, e))
            return false;
    }
    return true;
}

static bool record_url_append(struct buf *out, const char *text, struct err *e)
{
    return buf_append(out, text, strlen(text), e);
}

static bool record_url_append_sub_id(struct buf *out, const struct record_url *u, struct err *e)
{
    const char *sub_id = text_or_empty(u->sub_id);
    return record_url_encode(out, sub_id, length_without_trailing_blanks(sub_id), e);
}

static bool record_url_parameter(struct buf *out, const char *name, const char *value,
                                 struct err *e)
{
    if (!name || !*name)
        return true;
    /* the seed's path ends in "?SubscriptionID="; an ESPI path has no query yet */
    const char *separator = strchr(out->data, '?') ? "&" : "?";
    return record_url_append(out, separator, e) && record_url_encode(out, name, strlen(name), e) &&
           record_url_append(out, "=", e) &&
           record_url_encode(out, text_or_empty(value), strlen(text_or_empty(value)), e);
}

static bool record_url_by_seed(struct buf *out, const struct record_url *u, struct err *e)
{
    return record_url_append(out, text_or_empty(u->url), e) &&
           record_url_append(out, text_or_empty(u->path), e) &&
           record_url_append_sub_id(out, u, e) &&
           record_url_parameter(out, u->min_name, u->min, e) &&
           record_url_parameter(out, u->max_name, u->max, e);
}

static bool record_url_placeholder(struct buf *out, const struct record_url *u, const char *name,
                                   size_t length, struct err *e)
{
    char from[24], to[24];
    snprintf(from, sizeof from, "%" PRId64, u->from_s);
    snprintf(to, sizeof to, "%" PRId64, u->to_s);
    const struct {
        const char *name, *value;
        bool encoded;
    } values[] = {
        {"url", u->url, false},
        {"path", u->path, false},
        {"min_name", u->min_name, true},
        {"max_name", u->max_name, true},
        {"min", u->min, true},
        {"max", u->max, true},
        {"from", from, true},
        {"to", to, true},
    };
    if (length == strlen("sub_id") && strncmp(name, "sub_id", length) == 0)
        return record_url_append_sub_id(out, u, e);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (strlen(values[i].name) != length || strncmp(values[i].name, name, length) != 0)
            continue;
        const char *value = text_or_empty(values[i].value);
        return values[i].encoded ? record_url_encode(out, value, strlen(value), e)
                                 : record_url_append(out, value, e);
    }
    return err_set(e, ERR_REJECT, "bad_url_template",
                   "feed.url_template: {%.*s} is none of url path sub_id min_name min max_name max "
                   "from to",
                   (int)(length > 40 ? 40 : length), name);
}

static bool record_url_by_template(struct buf *out, const struct record_url *u, struct err *e)
{
    for (const char *at = u->template; *at; at++) {
        const char *end;
        if (*at != '{' || at[1] == '{') {
            if (!buf_append(out, at, 1, e))
                return false;
            at += *at == '{';
        } else if (!(end = strchr(at, '}'))) {
            return err_set(e, ERR_REJECT, "bad_url_template",
                           "feed.url_template: a { without its }");
        } else {
            if (!record_url_placeholder(out, u, at + 1, (size_t)(end - at - 1), e))
                return false;
            at = end;
        }
    }
    return true;
}

static void curl_url_cleanup_at(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void curl_free_at(char **text)
{
    curl_free(*text);
}

static bool record_url_check(const char *url, struct err *e)
{
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return err_set(e, ERR_REJECT, "bad_url", "url: a blank or control character at %zu",
                           (size_t)(at - url) + 1);
    CURLU *parts CLEANUP(curl_url_cleanup_at) = curl_url();
    if (!parts)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a URL");
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code != CURLUE_OK)
        return err_set(e, ERR_REJECT, "bad_url", "url: %s", curl_url_strerror(code));
    char *scheme CLEANUP(curl_free_at) = NULL;
    char *fragment CLEANUP(curl_free_at) = NULL;
    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return err_set(e, ERR_REJECT, "bad_url", "url: neither http nor https");
    if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
        return err_set(e, ERR_REJECT, "bad_url", "url: has a #fragment, which is never sent");
    return true;
}

bool record_url_build(const struct record_url *u, struct buf *ret_url, struct err *e)
{
    struct buf out CLEANUP(buf_free) = buf_make(RECORD_URL_MAX);
    struct err long_error = {0};
    bool built = u->template && *u->template ? record_url_by_template(&out, u, &long_error)
                                             : record_url_by_seed(&out, u, &long_error);
    if (!built && strcmp(long_error.code, "too_large") == 0)
        return err_set(e, ERR_REJECT, "bad_url", "url: longer than %d bytes", RECORD_URL_MAX);
    if (!built) {
        if (e)
            *e = long_error;
        return false;
    }
    if (!out.len || !*text_or_empty(u->url))
        return err_set(e, ERR_REJECT, "bad_url", "url: empty");
    if (!record_url_check(out.data, e))
        return false;
    *ret_url = out;
    out = buf_make(0);
    return true;
}

struct shown {
    char *out;
    size_t used;
};

static void shown_add(struct shown *s, const char *text, size_t length)
{
    for (size_t i = 0; i < length && s->used < RECORD_URL_SHOWN - 1; i++)
        s->out[s->used++] = text[i];
    s->out[s->used] = '\0';
}

/* The path, with the subscription's id left out of it: as it is, or as record_url_build wrote it. */
static void shown_path(struct shown *s, const char *path, size_t length, const char *sub_id)
{
    size_t id_length = length_without_trailing_blanks(sub_id);
    struct buf encoded CLEANUP(buf_free) = buf_make(RECORD_URL_MAX);
    if (!record_url_encode(&encoded, sub_id, id_length, NULL))
        return; /* an id that no URL can hold: rather no path than one with an id in it */
    for (size_t i = 0; i < length;) {
        bool plain =
            id_length && i + id_length <= length && strncmp(path + i, sub_id, id_length) == 0;
        bool escaped = encoded.len && i + encoded.len <= length &&
                       strncmp(path + i, encoded.data, encoded.len) == 0;
        shown_add(s, plain || escaped ? "***" : path + i, plain || escaped ? 3 : 1);
        i += escaped ? encoded.len : plain ? id_length : 1;
    }
}

static void shown_query(struct shown *s, const char *query)
{
    bool value = false;
    for (; *query && *query != '#'; query++) {
        if (*query == '&')
            value = false;
        if (!value)
            shown_add(s, query, 1);
        if (*query == '=' && !value) {
            value = true;
            shown_add(s, "***", 3);
        }
    }
}

/*
 * The end of user and password, NULL: there are none. A password with a '/' in it ends the host for
 * whoever reads the URL by the rules, and leaves "user:part" in the host's place: no port is that.
 */
static const char *shown_user_end(const char *host)
{
    size_t authority = strcspn(host, "/?#"), all = strcspn(host, "?#");
    const char *end = memrchr(host, '@', authority);
    const char *port = memrchr(host, ':', authority);
    bool is_port = !port || port + 1 + strspn(port + 1, "0123456789") == host + authority;
    return end || is_port || *host == '[' ? end : memrchr(host, '@', all);
}

void record_url_show(const char *url, const char *sub_id, char out[RECORD_URL_SHOWN])
{
    struct shown s = {.out = out};
    out[0] = '\0';
    const char *host = strstr(url, "://");
    if (!host)
        return;
    host += 3;
    shown_add(&s, url, (size_t)(host - url));
    host += strspn(host, "/"); /* libcurl overlooks one too many */
    const char *user_end = shown_user_end(host);
    if (user_end)
        shown_add(&s, "***@", 4);
    const char *name = user_end ? user_end + 1 : host;
    const char *path = name + strcspn(name, "/?#");
    shown_add(&s, name, (size_t)(path - name));
    size_t path_length = strcspn(path, "?#");
    shown_path(&s, path, path_length, text_or_empty(sub_id));
    if (path[path_length] == '?')
        shown_query(&s, path + path_length);
}
