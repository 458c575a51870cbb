/* Checks URLs with libcurl's parser and database addresses with libpq's; takes passwords out. */
#include "common/config/url.h"

#include <curl/curl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#define REST_MAX 8192

bool word_among(const char *word, size_t len, const char *words)
{
    for (const char *w = words; *w; w += strspn(w, "|")) {
        size_t n = strcspn(w, "|");
        if (n == len && memcmp(w, word, n) == 0)
            return true;
        w += n;
    }
    return false;
}

static bool fault(char what[URL_WHAT], const char *text)
{
    snprintf(what, URL_WHAT, "%s", text);
    return false;
}

bool url_check(const char *text, const char *schemes, char what[URL_WHAT])
{
    const char *mark = strstr(text, "://");
    if (!mark || !word_among(text, (size_t)(mark - text), schemes)) {
        snprintf(what, URL_WHAT, "no URL that starts with %s://", schemes);
        return false;
    }
    CURLU *url = curl_url();
    if (!url)
        return fault(what, "no memory");
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    curl_url_cleanup(url);
    if (code == CURLUE_OK)
        return true;
    snprintf(what, URL_WHAT, "no URL: %s", curl_url_strerror(code));
    return false;
}

bool url_has_user(const char *text)
{
    const char *authority = strstr(text, "://") + 3;
    return memchr(authority, '@', strcspn(authority, "/?#"));
}

static char *decoded_password(const char *text)
{
    char *password = NULL;
    CURLU *url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        (void)curl_url_get(url, CURLUPART_PASSWORD, &password, CURLU_URLDECODE); /* NULL if none */
    curl_url_cleanup(url);
    char *copy = password ? strdup(password) : NULL;
    if (password)
        explicit_bzero(password, strlen(password));
    curl_free(password);
    return copy;
}

/* Where ":password" stands in the text, before the last "@" of the authority. */
static bool password_span(const char *text, size_t *ret_from, size_t *ret_to)
{
    const char *authority = strstr(text, "://") + 3;
    size_t len = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', len);
    const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (!colon)
        return false;
    *ret_from = (size_t)(colon - text);
    *ret_to = (size_t)(at - text);
    return true;
}

bool url_split_password(const char *text, char **ret_rest, char **ret_password)
{
    size_t from, to;
    char *rest = strdup(text);
    char *password = NULL;
    if (!rest)
        return false;
    if (password_span(text, &from, &to)) {
        password = decoded_password(text);
        if (!password) {
            free(rest);
            return false;
        }
        memmove(rest + from, rest + to, strlen(rest + to) + 1);
    }
    *ret_rest = rest;
    *ret_password = password;
    return true;
}

bool database_check(const char *text, char what[URL_WHAT])
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &message);
    if (options) {
        PQconninfoFree(options);
        return true;
    }
    /* libpq quotes what it could not read, which may be a part of the password. */
    bool secret = strstr(text, "password") || strchr(text, '@');
    if (message)
        message[strcspn(message, "\n")] = '\0';
    snprintf(what, URL_WHAT, "no address of a database, neither URL nor key=value%s%s",
             secret || !message ? "" : ": ", secret || !message ? "" : message);
    PQfreemem(message);
    return false;
}

static bool append_option(struct buf *b, const PQconninfoOption *o)
{
    struct err e;
    if (!buf_printf(b, &e, "%s%s='", b->len > 0 ? " " : "", o->keyword))
        return false;
    for (const char *p = o->val; *p; p++) {
        if ((*p == '\'' || *p == '\\') && !buf_append(b, "\\", 1, &e))
            return false;
        if (!buf_append(b, p, 1, &e))
            return false;
    }
    return buf_append(b, "'", 1, &e);
}

bool database_split_password(const char *text, char **ret_rest, char **ret_password)
{
    CLEANUP(buf_free) struct buf rest = buf_make(REST_MAX);
    PQconninfoOption *options = PQconninfoParse(text, NULL);
    char *password = NULL;
    bool ok = options;
    for (PQconninfoOption *o = options; ok && o->keyword; o++) {
        if (!o->val)
            continue;
        if (strcmp(o->keyword, "password") != 0)
            ok = append_option(&rest, o);
        else
            ok = (password = strdup(o->val));
        if (password && o->val && strcmp(o->keyword, "password") == 0)
            explicit_bzero(o->val, strlen(o->val));
    }
    PQconninfoFree(options);
    /* Without a password the text stays as its author wrote it. */
    char *copy = ok ? strdup(!password ? text : rest.len > 0 ? rest.data : "") : NULL;
    if (!copy) {
        free(password);
        return false;
    }
    *ret_rest = copy;
    *ret_password = password;
    return true;
}
