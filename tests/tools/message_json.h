/* Envelopes as JSON, the body in base64: how tests keep messages and pass them to Python. */
#ifndef METERBEAT_TESTS_MESSAGE_JSON_H
#define METERBEAT_TESTS_MESSAGE_JSON_H

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/amqp/message.h"

static inline char *message_json_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? strdup(text) : NULL;
}

/* Caller frees; what is missing or odd is not there. */
static inline struct message message_of_json(const json_t *json)
{
    const json_t *body = json_object_get(json, "body");
    const json_t *priority = json_object_get(json, "priority");
    const char *text = json_is_string(body) ? json_string_value(body) : "";
    struct message v = {.priority = -1};
    v.content_type = message_json_text(json, "content_type");
    v.content_encoding = message_json_text(json, "content_encoding");
    v.correlation_id = message_json_text(json, "correlation_id");
    v.reply_to = message_json_text(json, "reply_to");
    v.expiration = message_json_text(json, "expiration");
    v.priority = json_is_integer(priority) ? (int)json_integer_value(priority) : -1;
    v.headers = json_incref(json_object_get(json, "headers"));
    if (!base64_decoded_size(text, strlen(text), &v.body_len))
        v.body_len = 0, text = "";
    v.body = malloc(v.body_len + 1);
    if (v.body)
        base64_decode(text, strlen(text), (unsigned char *)v.body);
    return v;
}

/* New reference; NULL: no memory. */
static inline json_t *message_to_json(const struct message *v)
{
    char *body = base64_encode(v->body, v->body_len);
    json_t *json =
        json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:i, s:O?, s:s?}", "content_type",
                  v->content_type, "content_encoding", v->content_encoding, "correlation_id",
                  v->correlation_id, "reply_to", v->reply_to, "expiration", v->expiration,
                  "priority", v->priority, "headers", v->headers, "body", body);
    free(body);
    return json;
}

#endif
