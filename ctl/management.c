/* RabbitMQ's management API: what AMQP does not tell of a queue. */
#include "ctl/management.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/config/broker_url.h"
#include "ctl/http.h"

#define MANAGEMENT_TIMEOUT_S 10

/* The first of broker.url: its broker is the one of broker.management_url. */
static bool first_address(const struct settings *s, struct broker_address *ret_address)
{
    char what[URL_WHAT];
    char *url = broker_url_at(s->broker.url, 0);
    bool known = url && broker_url_read(url, ret_address, what);
    free(url);
    return known;
}

/* …/api/queues/<virtual host>/<queue>, each percent-encoded. */
static char *management_url(const struct settings *s, const char *vhost, const char *queue)
{
    char *url = NULL;
    char *vhost_text = curl_easy_escape(NULL, vhost, 0);
    char *queue_text = curl_easy_escape(NULL, queue, 0);
    size_t base = strlen(s->broker.management_url);
    if (base > 0 && s->broker.management_url[base - 1] == '/')
        base--;
    if (!vhost_text || !queue_text ||
        asprintf(&url, "%.*s/api/queues/%s/%s", (int)base, s->broker.management_url, vhost_text,
                 queue_text) < 0)
        url = NULL;
    curl_free(vhost_text);
    curl_free(queue_text);
    return url;
}

json_t *management_queue(const struct settings *s, const char *queue)
{
    CLEANUP(buf_free) struct buf body = buf_make(HTTP_ANSWER_MAX);
    struct broker_address where = {0};
    long code = 0;
    struct err ignored;
    bool set = s->broker.management_url[0];
    char *url = set && first_address(s, &where) ? management_url(s, where.vhost, queue) : NULL;
    struct http_request request = {.url = url,
                                   .user = where.user,
                                   .password = s->broker.password,
                                   .ca_file = s->broker.ca_file,
                                   .timeout_s = MANAGEMENT_TIMEOUT_S};
    bool asked = url && http_send(&request, &code, &body, &ignored) && code == 200;
    free(url);
    return asked ? json_loadb(body.data, body.len, 0, NULL) : NULL;
}
