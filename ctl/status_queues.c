/* `status`, the queues: ready and consumers by AMQP, unacknowledged by the management API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "http.h"
#include "status.h"

#define MANAGEMENT_TIMEOUT_S 10

/* user and virtual host of broker.url, decoded; the caller frees with curl_free. */
static bool url_part(const char *url, CURLUPart part, char **ret_text)
{
    CURLU *parsed = curl_url();
    bool ok = parsed != NULL &&
              curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
              curl_url_get(parsed, part, ret_text, CURLU_URLDECODE) == CURLUE_OK;
    curl_url_cleanup(parsed);
    return ok;
}

/* …/api/queues/<virtual host>/<queue>, each percent-encoded; an empty virtual host is "/". */
static char *management_url(const struct settings *s, const char *queue)
{
    char *path = NULL, *url = NULL;
    const char *vhost = "/";
    if (url_part(s->broker.url, CURLUPART_PATH, &path) && strlen(path) > 1)
        vhost = path + 1;
    char *vhost_text = curl_easy_escape(NULL, vhost, 0);
    char *queue_text = curl_easy_escape(NULL, queue, 0);
    size_t base = strlen(s->broker.management_url);
    if (base > 0 && s->broker.management_url[base - 1] == '/')
        base--;
    if (vhost_text == NULL || queue_text == NULL ||
        asprintf(&url, "%.*s/api/queues/%s/%s", (int)base, s->broker.management_url, vhost_text,
                 queue_text) < 0)
        url = NULL;
    curl_free(path);
    curl_free(vhost_text);
    curl_free(queue_text);
    return url;
}

/* The queue as the management API has it; NULL when it says nothing: only a detail is missing. */
static json_t *ask_management(const struct settings *s, const char *queue)
{
    CLEANUP(buf_free) struct buf body = buf_make(HTTP_ANSWER_MAX);
    char *url = management_url(s, queue), *user = NULL;
    long code = 0;
    struct err ignored;
    bool named = url_part(s->broker.url, CURLUPART_USER, &user);
    struct http_request request = {.url = url,
                                   .user = named ? user : "guest",
                                   .password = s->broker.password,
                                   .ca_file = s->broker.ca_file,
                                   .timeout_s = MANAGEMENT_TIMEOUT_S};
    bool asked = url != NULL && http_ask(&request, &code, &body, &ignored) && code == 200;
    curl_free(user);
    free(url);
    return asked ? json_loadb(body.data, body.len, 0, NULL) : NULL;
}

static json_t *unacknowledged(const struct settings *s, const char *queue)
{
    json_t *answer = s->broker.management_url[0] != '\0' ? ask_management(s, queue) : NULL;
    json_t *count = json_object_get(answer, "messages_unacknowledged");
    json_t *result = json_is_integer(count) ? json_incref(count) : json_null();
    json_decref(answer);
    return result;
}

static bool add_queue(struct session *s, const char *name, json_t *queues, struct err *e)
{
    uint32_t ready = 0, consumers = 0;
    struct err why = {0};
    bool there = broker_queue_depth(s->broker, name, &ready, &consumers, &why);
    if (!there && strcmp(why.code, "no_queue") != 0)
        return err_set(e, why.kind, why.code, "%s", why.text);
    json_t *queue =
        json_pack("{s:s, s:b, s:I, s:I, s:o}", "name", name, "exists", there, "ready",
                  (json_int_t)ready, "consumers", (json_int_t)consumers, "unacknowledged",
                  there ? unacknowledged(s->settings, name) : json_null());
    return json_array_append_new(queues, queue) == 0 ||
           err_set(e, ERR_RETRY, "no_memory", "no memory");
}

bool status_queues(struct session *s, json_t *status, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    json_t *queues = json_array();
    if (json_object_set_new(status, "queues", queues) != 0)
        return err_set(e, ERR_RETRY, "no_memory", "no memory");
    if (!add_queue(s, s->settings->broker.queue, queues, e))
        return false;
    for (size_t i = 0; i < s->settings->worker.retry_delays; i++)
        if (!add_queue(s,
                       broker_retry_queue(s->settings->broker.queue,
                                          s->settings->worker.retry_delays_s[i], name),
                       queues, e))
            return false;
    return add_queue(s, broker_dead_queue(s->settings, name), queues, e);
}
