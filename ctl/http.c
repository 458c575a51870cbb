/* Asks one question over HTTP: for checks, and for RabbitMQ's management API. */
#include "ctl/http.h"

#include <curl/curl.h>

#include "common/config/redacted.h"
#include "common/http/client.h"

static size_t keep_body(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *body = context;
    struct err e;
    return buf_append(body, bytes, size * count, &e) ? size * count : 0;
}

static bool set_up(CURL *curl, const struct http_request *r, struct curl_slist *headers,
                   struct buf *body)
{
    return curl_easy_setopt(curl, CURLOPT_URL, r->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
           (!r->json || (curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->json) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK));
}

bool http_send(const struct http_request *request, long *ret_status, struct buf *ret_body,
               struct err *e)
{
    struct buf body = buf_make(HTTP_ANSWER_MAX);
    CURL *curl = http_new(&(struct http_setup){.connect_timeout_s = request->timeout_s,
                                               .timeout_s = request->timeout_s,
                                               .ca_file = request->ca_file,
                                               .user = request->user,
                                               .password = request->password});
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl && headers && set_up(curl, request, headers, &body))
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    const char *why = code == CURLE_PEER_FAILED_VERIFICATION ? http_certificate_fault(curl)
                      : code == CURLE_SSL_CONNECT_ERROR      ? HTTP_HANDSHAKE_FAULT
                                                             : curl_easy_strerror(code);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code == CURLE_OK && ret_body)
        *ret_body = body;
    else
        buf_free(&body);
    return code == CURLE_OK ||
           err_set(e, ERR_RETRY, "http_unreachable", "%s: %s",
                   url_redacted(request->url, (char[SETTING_REDACTED]){0}), why);
}
