/* Celery's remote control as values: requests out of messages, replies into them. */
#include "common/celery/pidbox.h"

#include <fnmatch.h>
#include <glib.h>
#include <string.h>

/* A reply may hold more than a request: 50,000 revoked ids and the arguments of a thousand tasks.
 */
#define REPLY_MAX ((size_t)16 * 1024 * 1024)
#define VALUES_MAX 200000
#define DEPTH_MAX 32
#define PATTERN_MAX 255
#define LATE_MS 60000

/* --- reading ------------------------------------------------------------------------------- */

static bool decode(const struct message *v, const struct codec **ret_codec, json_t **ret_body,
                   struct err *e)
{
    static const struct codec_limits limits = {DEPTH_MAX, VALUES_MAX};
    char text[CODEC_SHOWN];
    const struct codec *codec = codec_of_content_type(v->content_type);
    if (v->body_len > PIDBOX_BODY_MAX)
        return err_set(e, ERR_REJECT, "too_large", "a body of %zu bytes", v->body_len);
    if (!codec)
        return err_set(e, ERR_REJECT, "bad_content_type", "content_type \"%s\" is not accepted",
                       codec_shown(v->content_type ? v->content_type : "", text));
    *ret_codec = codec;
    return codec->decode(v->body_len ? v->body : "", v->body_len, &limits, ret_body, e);
}

static bool matches(const char *node, const char *pattern, const char *matcher)
{
    if (strlen(pattern) > PATTERN_MAX)
        return false;
    if (strcmp(matcher, "glob") == 0) /* Python's knows no escapes */
        return fnmatch(pattern, node, FNM_NOESCAPE) == 0;
    return strcmp(matcher, "pcre") == 0 &&
           g_regex_match_simple(pattern, node, 0, G_REGEX_MATCH_ANCHORED);
}

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    const json_t *value;
    if (json_is_string(list)) /* Python's `in`: a part of it */
        return strstr(json_string_value(list), text) != NULL;
    json_array_foreach((json_t *)list, i, value) {
        if (json_is_string(value) && strcmp(json_string_value(value), text) == 0)
            return true;
    }
    return json_is_object(list) && json_object_get(list, text);
}

/* What Python takes for false: absent, null, nothing in it. */
static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

static bool is_addressed(const json_t *body, const char *node)
{
    const json_t *destination = json_object_get(body, "destination");
    const char *pattern = json_string_value(json_object_get(body, "pattern"));
    const char *matcher = json_string_value(json_object_get(body, "matcher"));
    if (!is_empty(destination))
        return has_text(destination, node);
    if (pattern && *pattern && matcher && *matcher)
        return matches(node, pattern, matcher);
    return true;
}

static bool is_late(const json_t *headers, int64_t now_ms)
{
    double expires_s = json_number_value(json_object_get(headers, "expires"));
    return expires_s > 0 && (double)now_ms - expires_s * 1000 > LATE_MS;
}

static int64_t clock_of(const json_t *headers)
{
    return json_integer_value(json_object_get(headers, "clock"));
}

static bool take_reply_to(const json_t *body, struct pidbox_request *r, struct err *e)
{
    const json_t *reply_to = json_object_get(body, "reply_to");
    if (is_empty(reply_to))
        return true;
    r->exchange = json_string_value(json_object_get(reply_to, "exchange"));
    r->routing_key = json_string_value(json_object_get(reply_to, "routing_key"));
    r->ticket = json_string_value(json_object_get(body, "ticket"));
    if (r->exchange && r->routing_key && strlen(r->exchange) <= 255 &&
        strlen(r->routing_key) <= 255 && (!r->ticket || strlen(r->ticket) <= 255))
        return true;
    return err_set(e, ERR_REJECT, "not_control",
                   "reply_to: exchange, routing_key and ticket must be texts of at most 255 bytes");
}

static bool take_fields(const json_t *body, struct pidbox_request *r, struct err *e)
{
    r->method = json_string_value(json_object_get(body, "method"));
    if (!r->method)
        return err_set(e, ERR_REJECT, "not_control", "no object with a text \"method\"");
    r->arguments = json_object_get(body, "arguments");
    if (is_empty(r->arguments))
        r->arguments = NULL;
    return take_reply_to(body, r, e);
}

bool pidbox_read(const struct message *v, const char *node, int64_t now_ms,
                 struct pidbox_request *ret_request, struct err *e)
{
    struct pidbox_request r = {.clock = clock_of(v->headers)};
    if (!decode(v, &r.codec, &r.body, e))
        return false;
    if (!take_fields(r.body, &r, e)) {
        json_decref(r.body);
        return false;
    }
    r.is_for_us = is_addressed(r.body, node) && !is_late(v->headers, now_ms);
    *ret_request = r;
    return true;
}

void pidbox_request_free(struct pidbox_request *request)
{
    json_decref(request->body);
    *request = (struct pidbox_request){0};
}

json_t *pidbox_read_reply(const struct message *v, const char *ticket, int64_t *ret_clock)
{
    const char *given = json_string_value(json_object_get(v->headers, "ticket"));
    const struct codec *codec;
    json_t *body = NULL;
    struct err ignored;
    if (!given || strcmp(given, ticket) != 0 || !decode(v, &codec, &body, &ignored))
        return NULL;
    *ret_clock = clock_of(v->headers);
    if (json_is_object(body))
        return body;
    json_decref(body);
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------- */

static bool encode(const struct codec *codec, const json_t *value, struct message *v, struct err *e)
{
    struct buf out = buf_make(REPLY_MAX);
    bool encoded = value ? codec->encode(value, &out, e)
                         : err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    if (!encoded) {
        buf_free(&out);
        return false;
    }
    v->body = out.data;
    v->body_len = out.len;
    return true;
}

bool pidbox_message(const struct codec *codec, json_t *value, json_t *headers,
                    struct message *ret_message, struct err *e)
{
    struct message v = {.priority = 0, .headers = headers};
    bool whole = encode(codec, value, &v, e);
    json_decref(value);
    if (whole) {
        v.content_type = strdup(codec->content_type);
        v.content_encoding = strdup(codec->content_encoding);
        whole = (headers && v.content_type && v.content_encoding) ||
                err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    }
    if (whole)
        *ret_message = v;
    else
        message_free(&v);
    return whole;
}

bool pidbox_reply(const struct pidbox_request *request, const char *node, json_t *answer,
                  int64_t clock, struct message *ret_reply, struct err *e)
{
    json_t *headers =
        json_pack("{s:s?, s:I}", "ticket", request->ticket, "clock", (json_int_t)clock);
    return pidbox_message(request->codec, json_pack("{s:o}", node, answer), headers, ret_reply, e);
}

bool pidbox_ask(const char *method, json_t *arguments, const char *exchange, const char *ticket,
                int64_t clock, struct message *ret_request, struct err *e)
{
    json_t *body = json_pack("{s:s, s:o, s:n, s:n, s:n, s:s, s:{s:s, s:s}}", "method", method,
                             "arguments", arguments, "destination", "pattern", "matcher", "ticket",
                             ticket, "reply_to", "exchange", exchange, "routing_key", ticket);
    json_t *headers = json_pack("{s:I, s:i}", "clock", (json_int_t)clock, "expires", 0);
    return pidbox_message(&codec_json, body, headers, ret_request, e);
}
