/* What all requests to utilities have in common: limits, TLS, addresses, and how they fail. */
#include "meter/http.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

/* After the name was resolved, for each address tried: what a name says first does not count. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_guard *g = context;
    (void)purpose;
    if (g->peer->networks && !address_allowed(&address->addr, g->peer->networks)) {
        address_show(&address->addr, g->refused);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLcode set_blob(CURL *c, CURLoption option, const char *text)
{
    struct curl_blob blob = {.data = (void *)text, .len = strlen(text), .flags = CURL_BLOB_NOCOPY};
    return curl_easy_setopt(c, option, &blob);
}

static CURLcode set_identity(CURL *c, const struct http_peer *peer)
{
    CURLcode r = CURLE_OK;
    if (or_null(peer->certificate)) {
        r |= curl_easy_setopt(c, CURLOPT_SSLCERTTYPE, "PEM");
        r |= set_blob(c, CURLOPT_SSLCERT_BLOB, peer->certificate);
    }
    if (or_null(peer->private_key)) {
        r |= curl_easy_setopt(c, CURLOPT_SSLKEYTYPE, "PEM");
        r |= set_blob(c, CURLOPT_SSLKEY_BLOB, peer->private_key);
    }
    return r;
}

bool http_prepare(CURL *c, const struct settings *s, struct http_guard *g, int64_t timeout_s,
                  struct err *e)
{
    CURLcode r = curl_easy_setopt(c, CURLOPT_URL, g->peer->url);
    r |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    r |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    r |= curl_easy_setopt(c, CURLOPT_PROXY, "");
    r |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    r |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    r |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)s->feed.connect_timeout_s);
    r |= curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)timeout_s);
    r |= curl_easy_setopt(c, CURLOPT_USERAGENT, or_null(s->feed.user_agent));
    if (or_null(s->feed.ca_file))
        r |= curl_easy_setopt(c, CURLOPT_CAINFO, s->feed.ca_file);
    r |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    r |= curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, g);
    r |= set_identity(c, g->peer);
    return r == CURLE_OK ||
           err_set(e, ERR_RETRY, "no_memory", "cannot prepare a request to %s", g->peer->shown);
}

struct http_transport {
    CURLcode curl;
    enum err_kind kind;
    const char *code;
};

static const struct http_transport http_transports[] = {
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
};

bool http_failure(const struct http_guard *g, CURLcode code, uint64_t bytes, struct err *e)
{
    const char *shown = g->peer->shown;
    if (code == CURLE_COULDNT_CONNECT && g->refused[0])
        return err_set(e, ERR_REJECT, "feed_address",
                       "%s: %s is neither a public address nor in feed.allow_addresses", shown,
                       g->refused);
    for (size_t i = 0; i < ARRAY_LEN(http_transports); i++)
        if (http_transports[i].curl == code)
            return err_set(e, http_transports[i].kind, http_transports[i].code,
                           "%s: %s, after %" PRIu64 " bytes", shown, curl_easy_strerror(code),
                           bytes);
    return err_set(e, ERR_RETRY, "feed_transfer", "%s: %s, after %" PRIu64 " bytes", shown,
                   curl_easy_strerror(code), bytes);
}

long http_status(CURL *c)
{
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

void http_free(CURL **c)
{
    curl_easy_cleanup(*c);
}
