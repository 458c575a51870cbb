/* A protocol 2 task message into an AMQP message: headers, properties and body as Celery 5 sends them.
 */
#include "common/celery/task_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/celery/codec.h"
#include "common/base/iso8601.h"

enum { MAX_SHORT_TEXT = 255, MAX_REPR = 1024, MAX_PRIORITY = 255 };
/* RabbitMQ closes the channel over a longer expiration (49.7 days); the header says it anyway. */
#define MAX_EXPIRATION_MS INT64_C(4294967295)

/* Headers of Celery's own: their values come from the message's fields, never from m->headers. */
static const char *const own_headers[] = {
    "lang",
    "task",
    "id",
    "shadow",
    "eta",
    "expires",
    "group",
    "group_index",
    "retries",
    "timelimit",
    "root_id",
    "parent_id",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
    "compression",
};

bool task_message_header_is_brokers(const char *name)
{
    return strncmp(name, "x-death", 7) == 0 || strncmp(name, "x-first-death-", 14) == 0 ||
           strncmp(name, "x-last-death-", 13) == 0 || strcmp(name, "x-delivery-count") == 0 ||
           strcmp(name, "x-acquired-count") == 0 || strcmp(name, "CC") == 0 ||
           strcmp(name, "BCC") == 0;
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++)
        if (strcmp(own_headers[i], name) == 0)
            return true;
    return false;
}

bool task_message_header_is_custom(const char *name)
{
    return !is_own(name) && !task_message_header_is_brokers(name);
}

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

/* --- what may be sent ------------------------------------------------------------------------- */

static bool is_short_text(const char *text)
{
    return text && *text && strlen(text) <= MAX_SHORT_TEXT;
}

static bool check(const struct task_message *m, struct err *e)
{
    if (!is_short_text(m->task))
        return err_set(e, ERR_REJECT, "not_celery", "task: must have 1 to %d bytes",
                       MAX_SHORT_TEXT);
    if (!is_short_text(m->id))
        return err_set(e, ERR_REJECT, "bad_id", "id: must have 1 to %d bytes", MAX_SHORT_TEXT);
    if (m->reply_to && strlen(m->reply_to) > MAX_SHORT_TEXT)
        return err_set(e, ERR_REJECT, "bad_body", "reply_to: more than %d bytes", MAX_SHORT_TEXT);
    if ((m->args && !json_is_array(m->args)) || (m->kwargs && !json_is_object(m->kwargs)))
        return err_set(e, ERR_REJECT, "bad_arguments", "args must be a list, kwargs a map");
    if (!codec_depth_within(m->args, CODEC_MAX_DEPTH - 1) ||
        !codec_depth_within(m->kwargs, CODEC_MAX_DEPTH - 1) ||
        !codec_depth_within(m->embed, CODEC_MAX_DEPTH - 1) ||
        !codec_depth_within(m->headers, CODEC_MAX_DEPTH))
        return err_set(e, ERR_REJECT, "too_deep", "nested deeper than %d", CODEC_MAX_DEPTH);
    return true;
}

/* --- headers ---------------------------------------------------------------------------------- */

static json_t *seconds_of(int64_t ms)
{
    if (ms <= 0)
        return json_null();
    return ms % 1000 ? json_real((double)ms / 1000) : json_integer(ms / 1000);
}

static json_t *time_of(int64_t ms)
{
    char text[ISO8601_TEXT];
    return ms ? json_string(iso8601_format(ms, text)) : json_null();
}

/* null leaves it to the worker's task; false says no to a task that ignores its results by itself.
 */
static json_t *ignore_result_of(const struct task_message *m)
{
    if (m->ignore_result)
        return json_true();
    return json_is_boolean(json_object_get(m->headers, "ignore_result")) ? json_false()
                                                                         : json_null();
}

/* The sender's own words when it gave some (it may hide a secret), else the value's. */
static json_t *repr_of(const struct task_message *m, const char *name, const json_t *value)
{
    json_t *given = json_object_get(m->headers, name);
    if (json_is_string(given))
        return json_incref(given);
    char *text = task_message_python_repr(value, MAX_REPR);
    json_t *repr = text ? json_string(text) : NULL;
    free(text);
    return repr;
}

static bool add_custom(const json_t *from, json_t *headers, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)from, name, value) {
        if (task_message_header_is_custom(name) && json_object_set(headers, name, value) != 0)
            return no_memory(e);
    }
    return true;
}

static bool pack_failure(const json_error_t *error, const char *what, struct err *e)
{
    if (json_error_code(error) != json_error_invalid_utf8)
        return no_memory(e);
    return err_set(e, ERR_REJECT, "bad_body", "%s: a text that is not UTF-8", what);
}

static bool make_headers(const struct task_message *m, const json_t *args, const json_t *kwargs,
                         json_t **ret_headers, struct err *e)
{
    const json_t *given = m->headers;
    json_t *nesting = json_object_get(given, "replaced_task_nesting");
    json_t *stamps = json_object_get(given, "stamps");
    json_error_t error = {0};
    json_t *headers = json_pack_ex(
        &error, 0,
        "{s:s, s:s, s:s, s:O?, s:o, s:o, s:s?, s:O?, s:I, s:[o,o], s:s, s:s?, s:o, s:o, s:s?, s:o,"
        " s:o, s:O?, s:o}",
        "lang", "c", "task", m->task, "id", m->id, "shadow", json_object_get(given, "shadow"),
        "eta", time_of(m->eta_ms), "expires", time_of(m->expires_ms), "group", m->group_id,
        "group_index", json_object_get(given, "group_index"), "retries", (json_int_t)m->retries,
        "timelimit", seconds_of(m->hard_limit_ms), seconds_of(m->soft_limit_ms), "root_id",
        m->root_id ? m->root_id : m->id, "parent_id", m->parent_id, "argsrepr",
        repr_of(m, "argsrepr", args), "kwargsrepr", repr_of(m, "kwargsrepr", kwargs), "origin",
        m->origin, "ignore_result", ignore_result_of(m), "replaced_task_nesting",
        nesting ? json_incref(nesting) : json_integer(0), "stamped_headers",
        json_object_get(given, "stamped_headers"), "stamps",
        stamps ? json_incref(stamps) : json_object());
    if (!headers)
        return pack_failure(&error, "headers", e);
    if (!add_custom(given, headers, e)) {
        json_decref(headers);
        return false;
    }
    *ret_headers = headers;
    return true;
}

/* --- body and properties ---------------------------------------------------------------------- */

static json_t *make_body(const json_t *args, const json_t *kwargs, const json_t *embed)
{
    if (embed)
        return json_pack("[O,O,O]", args, kwargs, embed);
    return json_pack("[O,O,{s:n,s:n,s:n,s:n}]", args, kwargs, "callbacks", "errbacks", "chain",
                     "chord");
}

static bool write_body(const struct codec *codec, const json_t *body, struct message *v,
                       struct err *e)
{
    struct buf out CLEANUP(buf_free) = buf_make(TASK_MESSAGE_MAX_BYTES);
    if (!codec->encode(body, &out, e))
        return err_wrap(e, "body");
    v->body = out.data;
    v->body_len = out.len;
    out = buf_make(0);
    return true;
}

/* A copy of text, or NULL for NULL; *ok turns false when memory is out. */
static char *copy(const char *text, bool *ok)
{
    char *made = text ? strdup(text) : NULL;
    *ok = *ok && (made || !text);
    return made;
}

static bool write_properties(const struct task_message *m, const struct codec *codec,
                             int64_t now_ms, struct message *v, struct err *e)
{
    bool ok = true;
    int64_t left = m->expires_ms > now_ms ? m->expires_ms - now_ms : 0;
    char expiration[24];
    snprintf(expiration, sizeof expiration, "%" PRId64, left);
    v->content_type = copy(codec->content_type, &ok);
    v->content_encoding = copy(codec->content_encoding, &ok);
    v->correlation_id = copy(m->id, &ok);
    v->reply_to = copy(m->reply_to, &ok);
    v->expiration = copy(m->expires_ms && left <= MAX_EXPIRATION_MS ? expiration : NULL, &ok);
    v->priority = m->priority < 0 ? 0 : m->priority > MAX_PRIORITY ? MAX_PRIORITY : m->priority;
    return ok || no_memory(e);
}

/* The three parts; args and kwargs are never NULL here. */
static bool write_message(const struct task_message *m, const json_t *args, const json_t *kwargs,
                          const struct codec *codec, struct message *v, struct err *e)
{
    json_t *body = make_body(args, kwargs, m->embed);
    if (!body)
        return no_memory(e);
    bool ok = make_headers(m, args, kwargs, &v->headers, e) && write_body(codec, body, v, e);
    json_decref(body);
    return ok;
}

bool task_message_encode(const struct task_message *m, const char *serializer, int64_t now_ms,
                         struct message *ret_message, struct err *e)
{
    struct message v CLEANUP(message_free) = {.priority = -1};
    const struct codec *codec = codec_of_serializer(serializer);
    if (!codec)
        return err_set(e, ERR_REJECT, "bad_serializer", "serializer: neither json nor msgpack");
    if (!check(m, e))
        return false;
    json_t *args = m->args ? json_incref(m->args) : json_array();
    json_t *kwargs = m->kwargs ? json_incref(m->kwargs) : json_object();
    bool ok = args && kwargs ? write_message(m, args, kwargs, codec, &v, e) : no_memory(e);
    json_decref(args);
    json_decref(kwargs);
    if (!ok || !write_properties(m, codec, now_ms, &v, e))
        return false;
    *ret_message = v;
    v = (struct message){.priority = -1};
    return true;
}
