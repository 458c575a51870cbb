/* Reads a dead letter, and makes it fresh again. */
#include "ctl/dead_letter_view.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/celery/task_message.h"

#define OURS "x-meterbeat-"

static const char *header(const struct message *v, const char *name)
{
    return json_string_value(json_object_get(v->headers, name));
}

const char *dead_letter_id(const struct message *v)
{
    const char *id = header(v, "id");
    if (!id)
        id = v->correlation_id;
    return id ? id : "";
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

json_t *dead_letter_summary(const struct message *v)
{
    static const char *const names[] = {"reason", "error", "attempts", "queue", "worker", "time"};
    json_t *summary = json_object();
    bool ok = summary;
    ok = ok && json_object_set_new(summary, "id", text_or_null(dead_letter_id(v))) == 0;
    ok = ok && json_object_set_new(summary, "task", text_or_null(header(v, "task"))) == 0;
    for (size_t i = 0; ok && i < ARRAY_LEN(names); i++) {
        char name[40];
        snprintf(name, sizeof name, OURS "%s", names[i]);
        json_t *value = json_object_get(v->headers, name);
        if (!value) { /* RabbitMQ itself dead-lettered it */
            snprintf(name, sizeof name, "x-first-death-%s", names[i]);
            value = json_object_get(v->headers, name);
        }
        ok = json_object_set(summary, names[i], value ? value : json_null()) == 0;
    }
    if (ok)
        return summary;
    json_decref(summary);
    return NULL;
}

/* {"json": …}, {"text": …} or {"base64": …}: whatever the body is. */
static bool set_body(json_t *whole, const struct message *v)
{
    json_t *body = json_loadb(v->body, v->body_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const char *kind = "body_json";
    if (!body) {
        kind = "body_text";
        body = json_stringn(v->body ? v->body : "", v->body_len);
    }
    if (!body) {
        kind = "body_base64";
        char *text = base64_encode(v->body, v->body_len);
        body = text ? json_string(text) : NULL;
        free(text);
    }
    return json_object_set_new(whole, kind, body) == 0;
}

json_t *dead_letter_whole(const struct message *v)
{
    json_t *whole = dead_letter_summary(v);
    bool ok = whole;
    ok = ok && json_object_set_new(whole, "content_type", text_or_null(v->content_type)) == 0;
    ok = ok &&
         json_object_set_new(whole, "content_encoding", text_or_null(v->content_encoding)) == 0;
    ok = ok && json_object_set_new(whole, "reply_to", text_or_null(v->reply_to)) == 0;
    ok = ok && json_object_set(whole, "headers", v->headers ? v->headers : json_null()) == 0;
    ok = ok && set_body(whole, v);
    if (ok)
        return whole;
    json_decref(whole);
    return NULL;
}

/* CC and BCC, by which RabbitMQ routes copies to further queues, least of all: who put the message
 * here may have written them, and they would be obeyed with our rights. */
static bool belongs_to_message(const char *name)
{
    return strncmp(name, OURS, strlen(OURS)) != 0 && !task_message_header_is_brokers(name);
}

bool dead_letter_fresh(const struct message *v, struct message *ret_fresh, struct err *e)
{
    json_t *headers = json_object();
    const char *name;
    json_t *value;
    bool ok = headers;
    json_object_foreach(v->headers, name, value) {
        if (ok && belongs_to_message(name))
            ok = json_object_set(headers, name, value) == 0;
    }
    if (ok && json_object_get(headers, "retries"))
        ok = json_object_set_new(headers, "retries", json_integer(0)) == 0;
    if (!ok) {
        json_decref(headers);
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    }
    *ret_fresh = *v;
    ret_fresh->headers = headers;
    ret_fresh->expiration = NULL;
    return true;
}

void dead_letter_fresh_free(struct message *fresh)
{
    json_decref(fresh->headers);
    *fresh = (struct message){.priority = -1};
}
