/* What all requests to utilities have in common: limits, TLS, addresses, and how they fail. */
#include "common/http/client.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http/own_address.h"

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

enum address_scope http_record_scope(const struct settings *s)
{
    return strcmp(s->feed.record_addresses, "any") == 0    ? ADDRESS_ANY
           : strcmp(s->feed.record_addresses, "site") == 0 ? ADDRESS_SITE
                                                           : ADDRESS_PUBLIC;
}

/* After the name was resolved, for each address tried: what a name says first does not count. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_guard *g = context;
    (void)purpose;
    if (!address_allowed(&address->addr, &g->rule)) {
        address_show(&address->addr, g->refused);
        return CURL_SOCKET_BAD;
    }
    address_show(&address->addr, g->connected);
    g->is_internal = address_is_internal(&address->addr, &g->rule);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The value of the header `name` in line; NULL: it is another. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *ret_len)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return NULL;
    *ret_len = len - name_len - 1;
    return line + name_len + 1;
}

/* libcurl would undo five codings one upon the other, and those that nobody asked for. */
static bool encodings_are_right(struct http_guard *g, const char *value, size_t len)
{
    static const char *const harmless[] = {"identity", "chunked"};
    static const char *const known[] = {"gzip", "x-gzip", "deflate"};
    for (const char *end = value + len; value < end;) {
        bool is_harmless = false, is_known = false;
        while (value < end && strchr(" \t\r\n,", *value))
            value++;
        size_t word = 0;
        while (value + word < end && !strchr(" \t\r\n,", value[word]))
            word++;
        for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
            is_harmless |= strlen(harmless[i]) == word && !strncasecmp(value, harmless[i], word);
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            is_known |= strlen(known[i]) == word && !strncasecmp(value, known[i], word);
        value += word;
        if (!word || is_harmless)
            continue;
        if (!is_known)
            return err_set(&g->failure, ERR_REJECT, "feed_bad_encoding",
                           "%s: encoded in another way than gzip", g->peer->shown);
        if (++g->encodings > 1)
            return err_set(&g->failure, ERR_REJECT, "feed_bad_encoding",
                           "%s: encoded more than once (Content-Encoding)", g->peer->shown);
    }
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct http_guard *g = context;
    size_t len = size * count, value_len = 0;
    g->header_bytes += len;
    if (g->header_bytes > HTTP_HEADER_BYTES_MAX) {
        (void)err_set(&g->failure, ERR_REJECT, "feed_too_large",
                      "%s: more than %d bytes of headers", g->peer->shown, HTTP_HEADER_BYTES_MAX);
        return 0;
    }
    if (len > 5 && strncmp(line, "HTTP/", 5) == 0) /* of the last answer only: not of a 100 */
        g->encodings = 0;
    const char *value = header_value(line, len, "Content-Encoding", &value_len);
    if (!value)
        value = header_value(line, len, "Transfer-Encoding", &value_len);
    if (value && !encodings_are_right(g, value, value_len))
        return 0;
    if (g->on_header)
        g->on_header(g->context, line, len);
    return len;
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

CURL *http_new(const struct http_setup *setup)
{
    CURL *c = curl_easy_init();
    if (!c)
        return NULL;
    CURLcode r = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    r |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    r |= curl_easy_setopt(c, CURLOPT_PROXY, ""); /* nor the environment's */
    r |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    r |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    r |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    r |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)setup->connect_timeout_s);
    r |= curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)setup->timeout_s);
    if (or_null(setup->ca_file))
        r |= curl_easy_setopt(c, CURLOPT_CAINFO, setup->ca_file);
    if (or_null(setup->user)) {
        r |= curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        r |= curl_easy_setopt(c, CURLOPT_USERNAME, setup->user);
        r |= curl_easy_setopt(c, CURLOPT_PASSWORD, setup->password);
    }
    if (r != CURLE_OK) {
        curl_easy_cleanup(c);
        return NULL;
    }
    return c;
}

bool http_prepare(CURL *c, const struct settings *s, struct http_guard *g, struct err *e)
{
    if (!own_addresses(s, &g->own, e))
        return false;
    g->rule = (struct address_rule){.scope = g->peer->scope,
                                    .networks = s->feed.allow_addresses,
                                    .ports = s->feed.allow_ports,
                                    .own = &g->own};
    CURLcode r = curl_easy_setopt(c, CURLOPT_URL, g->peer->url);
    r |= curl_easy_setopt(c, CURLOPT_USERAGENT, or_null(s->feed.user_agent));
    r |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    r |= curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, g);
    r |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    r |= curl_easy_setopt(c, CURLOPT_HEADERDATA, g);
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

/* OpenSSL's X509_V_ERR_ of the same meanings. The name libcurl compares itself, when the chain is
 * right: the result is what it was before, 0 or 1. */
const char *http_certificate_fault(CURL *c)
{
    long result = 0;
    curl_easy_getinfo(c, CURLINFO_SSL_VERIFYRESULT, &result);
    switch (result) {
    case 0:
    case 1:
    case 62: /* HOSTNAME_MISMATCH */
    case 64: /* IP_ADDRESS_MISMATCH */
        return "its certificate is for another name than the URL's";
    case 9: /* CERT_NOT_YET_VALID */
        return "its certificate is not valid yet";
    case 10: /* CERT_HAS_EXPIRED */
        return "its certificate has expired";
    case 18: /* DEPTH_ZERO_SELF_SIGNED_CERT */
    case 19: /* SELF_SIGNED_CERT_IN_CHAIN */
    case 20: /* UNABLE_TO_GET_ISSUER_CERT_LOCALLY */
    case 21: /* UNABLE_TO_VERIFY_LEAF_SIGNATURE */
    case 2:  /* UNABLE_TO_GET_ISSUER_CERT */
        return "its certificate comes from no authority that is known here";
    default:
        return "its certificate does not hold";
    }
}

/* Nothing has answered there in HTTP or TLS: which port does what is nobody's to find out by a
 * record, so that all of it reads alike. */
static bool is_silent(const struct http_guard *g, CURLcode code)
{
    bool is_hidden = g->is_internal || (g->rule.scope != ADDRESS_ANY && !g->connected[0]);
    return is_hidden && g->header_bytes == 0 && code != CURLE_OUT_OF_MEMORY &&
           code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CERTPROBLEM &&
           code != CURLE_URL_MALFORMAT;
}

bool http_failure(CURL *c, const struct http_guard *g, CURLcode code, uint64_t bytes, struct err *e)
{
    const char *shown = g->peer->shown, *reason = curl_easy_strerror(code);
    const char *address = g->connected[0] ? g->connected : g->refused;
    const struct http_transport *t = NULL;
    for (size_t i = 0; !t && i < ARRAY_LEN(http_transports); i++)
        t = http_transports[i].curl == code ? &http_transports[i] : NULL;
    if (g->failure.kind != ERR_NONE) {
        if (e)
            *e = g->failure;
    } else if (code == CURLE_COULDNT_CONNECT && g->refused[0] && !g->connected[0]) {
        err_set(e, ERR_REJECT, "feed_address", "%s: not an address that may be asked", shown);
        reason = "neither allowed by feed.record_addresses nor in feed.allow_addresses and "
                 "feed.allow_ports, or one of our own servers";
    } else if (is_silent(g, code)) {
        err_set(e, ERR_RETRY, "feed_unreachable",
                "%s: no answer can be had there; the log has the reason", shown);
    } else if (code == CURLE_PEER_FAILED_VERIFICATION) {
        err_set(e, ERR_REJECT, "feed_tls_refused", "%s: %s", shown, http_certificate_fault(c));
    } else {
        err_set(e, t ? t->kind : ERR_RETRY, t ? t->code : "feed_transfer",
                "%s: %s, after %" PRIu64 " bytes", shown, reason, bytes);
    }
    return err_detail(e, "%s%s%s", address, address[0] ? ": " : "", reason);
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
