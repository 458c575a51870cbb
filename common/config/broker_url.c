/* broker.url: one address of RabbitMQ or several, written as kombu and Celery take them. */
#include "common/config/broker_url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMES "amqp|amqps|pyamqp"
#define AMQP_PORT 5672
#define AMQPS_PORT 5671
/* Of heartbeat and connect_timeout, as of the settings of these names. */
#define SECONDS_MAX 300
#define URL_PATH_MAX 2001

static bool fault(char what[URL_WHAT], const char *text)
{
    snprintf(what, URL_WHAT, "%s", text);
    return false;
}

/* --- several ------------------------------------------------------------------------------- */

size_t broker_url_count(const char *urls)
{
    size_t count = 1;
    for (const char *at = urls; (at = strchr(at, ';')); at++)
        count++;
    return count;
}

char *broker_url_at(const char *urls, size_t index)
{
    for (; index > 0; index--) {
        urls = strchr(urls, ';');
        if (!urls)
            return NULL;
        urls++;
    }
    return strndup(urls, strcspn(urls, ";"));
}

bool broker_urls_check(const char *urls, char what[URL_WHAT])
{
    size_t count = broker_url_count(urls);
    if (count > BROKER_URLS_MAX)
        return fault(what, "more than 8 brokers");
    for (size_t i = 0; i < count; i++) {
        struct broker_address address;
        char *url = broker_url_at(urls, i);
        bool ok = url ? broker_url_read(url, &address, what) : fault(what, "no memory");
        explicit_bzero(&address, sizeof address);
        if (url)
            explicit_bzero(url, strlen(url));
        free(url);
        if (!ok)
            return false;
    }
    return true;
}

/* --- one ----------------------------------------------------------------------------------- */

static bool copy(const char *text, char *out, size_t size, const char *name, char what[URL_WHAT])
{
    size_t len = strlen(text);
    if (len >= size) {
        snprintf(what, URL_WHAT, "%s of %zu bytes, at most %zu", name, len, size - 1);
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

/* A part of the URL, decoded; out stays as it is when the URL has none. */
static bool take_part(CURLU *url, CURLUPart part, char *out, size_t size, const char *name,
                      char what[URL_WHAT])
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, CURLU_URLDECODE);
    if (code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD)
        return true;
    if (code != CURLUE_OK) {
        snprintf(what, URL_WHAT, "no URL: %s: %s", name, curl_url_strerror(code));
        return false;
    }
    /* kombu takes an empty user or host for none */
    bool ok = !text[0] || copy(text, out, size, name, what);
    explicit_bzero(text, strlen(text));
    curl_free(text);
    return ok;
}

static bool take_vhost(CURLU *url, struct broker_address *a, char what[URL_WHAT])
{
    char path[URL_PATH_MAX] = "";
    if (!take_part(url, CURLUPART_PATH, path, sizeof path, "virtual host", what))
        return false;
    return copy(path[0] == '/' && path[1] ? path + 1 : "/", a->vhost, sizeof a->vhost,
                "virtual host", what);
}

static bool take_port(CURLU *url, struct broker_address *a)
{
    char *text = NULL;
    a->port = a->tls ? AMQPS_PORT : AMQP_PORT;
    if (curl_url_get(url, CURLUPART_PORT, &text, 0) == CURLUE_OK)
        a->port = (int)strtol(text, NULL, 10); /* checked by libcurl */
    curl_free(text);
    return a->port > 0;
}

/* "[::1]" is for URLs alone. */
static void strip_brackets(char *host)
{
    size_t len = strlen(host);
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return;
    memmove(host, host + 1, len - 2);
    host[len - 2] = '\0';
}

/* --- parameters ---------------------------------------------------------------------------- */

static bool take_seconds(const char *text, const char *name, long least, int64_t *out,
                         char what[URL_WHAT])
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end); /* kombu's are floating-point numbers */
    if (end == text || *end || errno != 0 || !(seconds >= (double)least) || seconds > SECONDS_MAX) {
        snprintf(what, URL_WHAT, "%s must be from %ld to %d s", name, least, SECONDS_MAX);
        return false;
    }
    *out = (int64_t)(seconds + 0.999);
    return true;
}

static bool take_parameter(const char *name, const char *value, struct broker_address *a,
                           char what[URL_WHAT])
{
    if (strcmp(name, "heartbeat") == 0)
        return take_seconds(value, name, 0, &a->heartbeat_s, what);
    if (strcmp(name, "connect_timeout") == 0)
        return take_seconds(value, name, 1, &a->connect_timeout_s, what);
    if (strcmp(name, "ssl_ca_certs") == 0)
        return copy(value, a->ca_file, sizeof a->ca_file, name, what);
    if (strcmp(name, "ssl_certfile") == 0)
        return copy(value, a->cert_file, sizeof a->cert_file, name, what);
    if (strcmp(name, "ssl_keyfile") == 0)
        return copy(value, a->key_file, sizeof a->key_file, name, what);
    if (strcmp(name, "ssl_cert_reqs") == 0 && strcasecmp(value, "CERT_REQUIRED") != 0 &&
        strcasecmp(value, "required") != 0)
        return fault(what, "ssl_cert_reqs: the broker's certificate is always verified");
    if (strcmp(name, "ssl_check_hostname") == 0 && strcasecmp(value, "false") == 0)
        return fault(what, "ssl_check_hostname: the broker's name is always verified");
    return true;
}

/* As Python's parse_qsl: "+" is a blank, what has no "=" or no value is nothing. */
static char *decode(const char *text, size_t len)
{
    char *plain = strndup(text, len);
    for (char *p = plain; p && *p; p++)
        if (*p == '+')
            *p = ' ';
    char *decoded = plain ? curl_easy_unescape(NULL, plain, (int)len, NULL) : NULL;
    free(plain);
    return decoded;
}

static bool take_query(CURLU *url, struct broker_address *a, char what[URL_WHAT])
{
    char *query = NULL;
    bool ok = true;
    if (curl_url_get(url, CURLUPART_QUERY, &query, 0) != CURLUE_OK)
        return true;
    for (const char *at = query; ok && *at; at += strspn(at, "&")) {
        size_t len = strcspn(at, "&");
        const char *equals = memchr(at, '=', len);
        if (equals && equals + 1 < at + len) {
            char *name = decode(at, (size_t)(equals - at));
            char *value = decode(equals + 1, (size_t)(at + len - equals - 1));
            ok = name && value ? take_parameter(name, value, a, what) : fault(what, "no memory");
            curl_free(name);
            curl_free(value);
        }
        at += len;
    }
    curl_free(query);
    return ok;
}

static bool take_parts(CURLU *url, struct broker_address *a, char what[URL_WHAT])
{
    if (!take_part(url, CURLUPART_HOST, a->host, sizeof a->host, "host", what) ||
        !take_part(url, CURLUPART_USER, a->user, sizeof a->user, "user", what) ||
        !take_part(url, CURLUPART_PASSWORD, a->password, sizeof a->password, "password", what) ||
        !take_vhost(url, a, what))
        return false;
    strip_brackets(a->host);
    return (take_port(url, a) || fault(what, "no URL: port 0")) && take_query(url, a, what);
}

/* libcurl takes "amqp:///v" for the host v: one that is left out is written in. NULL: no memory. */
static char *with_host(const char *url, const char *authority)
{
    size_t len = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', len);
    const char *host = at ? at + 1 : authority;
    char *whole = NULL;
    bool named = host < authority + len && *host != ':';
    if (asprintf(&whole, "%.*s%s%s", (int)(host - url), url, named ? "" : "localhost", host) < 0)
        return NULL;
    return whole;
}

bool broker_url_read(const char *url, struct broker_address *ret_address, char what[URL_WHAT])
{
    const char *mark = strstr(url, "://");
    *ret_address = (struct broker_address){
        .user = "guest", .password = "guest", .heartbeat_s = -1, .connect_timeout_s = -1};
    if (!mark || !word_among(url, (size_t)(mark - url), SCHEMES))
        return fault(what, "no URL that starts with amqp://, amqps:// or pyamqp://");
    ret_address->tls = strncmp(url, "amqps:", 6) == 0;
    CURLU *parsed = curl_url();
    char *whole = with_host(url, mark + 3);
    bool ok = parsed && whole;
    if (!ok)
        (void)fault(what, "no memory");
    /* a virtual host may be called ".." for all that libcurl knows */
    CURLUcode code =
        ok ? curl_url_set(parsed, CURLUPART_URL, whole, CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)
           : CURLUE_OUT_OF_MEMORY;
    if (ok && code != CURLUE_OK)
        snprintf(what, URL_WHAT, "no URL: %s", curl_url_strerror(code));
    ok = code == CURLUE_OK && take_parts(parsed, ret_address, what);
    curl_url_cleanup(parsed);
    if (whole)
        explicit_bzero(whole, strlen(whole));
    free(whole);
    return ok;
}
