/* A task message out of an AMQP message: body to value, protocol 1, 2 or hybrid, each field checked. */
#include "common/celery/task_message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/celery/codec.h"
#include "common/celery/decompress.h"
#include "common/base/iso8601.h"
#include "common/celery/canvas.h"

/* An AMQP short string holds no more, and the id has to fit correlation_id. */
enum { MAX_NAME = 255 };
#define MAX_LIMIT_S (10.0 * 366 * 86400)

/* Where the fields of a message stand: headers, and for protocol 1 and hybrids also the body. */
struct source {
    const json_t *headers; /* borrowed; NULL = none */
    json_t *body;          /* owned */
    const json_t *fields;  /* body when it is protocol 1's map, else NULL; borrowed */
};

static void source_free(struct source *s)
{
    json_decref(s->body);
}

static const json_t *source_get(const struct source *s, const char *name)
{
    const json_t *value = json_object_get(s->headers, name);
    return value ? value : json_object_get(s->fields, name);
}

/* --- body to value ---------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool check_headers(const struct message *v, size_t max_depth, struct err *e)
{
    if (v->headers && !json_is_object(v->headers))
        return err_set(e, ERR_REJECT, "not_celery", "headers are no table");
    if (!codec_depth_within(v->headers, max_depth))
        return err_set(e, ERR_REJECT, "too_deep", "headers: nested deeper than %zu", max_depth);
    return true;
}

/* Celery ignores the encoding of these types; one that contradicts them is refused here. */
static bool is_known_encoding(const char *encoding)
{
    static const char *const known[] = {"utf-8", "utf8", "us-ascii", "ascii", "binary"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(known[i], encoding) == 0)
            return true;
    return false;
}

static bool find_codec(const struct message *v, const struct codec **ret_codec, struct err *e)
{
    char shown[CODEC_SHOWN];
    const struct codec *codec = codec_of_content_type(v->content_type);
    if (!v->content_type)
        return err_set(e, ERR_REJECT, "bad_content_type", "content_type is missing");
    if (!codec)
        return err_set(e, ERR_REJECT, "bad_content_type", "content_type \"%s\" is not accepted",
                       codec_shown(v->content_type, shown));
    if (v->content_encoding && !is_known_encoding(v->content_encoding))
        return err_set(e, ERR_REJECT, "bad_content_type", "content_encoding \"%s\" is not accepted",
                       codec_shown(v->content_encoding, shown));
    *ret_codec = codec;
    return true;
}

/* The body as its codec wants it: itself, or decompressed into *plain. */
static bool plain_body(const struct message *v, struct buf *plain, const char **ret_bytes,
                       size_t *ret_len, struct err *e)
{
    const json_t *compression = json_object_get(v->headers, "compression");
    *ret_bytes = v->body;
    *ret_len = v->body_len;
    if (!compression || json_is_null(compression))
        return true;
    if (!json_is_string(compression))
        return err_set(e, ERR_REJECT, "bad_compression", "compression: no text");
    if (!decompress(json_string_value(compression), v->body, v->body_len, plain, e))
        return err_wrap(e, "compression");
    *ret_bytes = plain->data;
    *ret_len = plain->len;
    return true;
}

static bool read_body(const struct message *v, const struct task_message_limits *limits,
                      struct source *s, struct err *e)
{
    struct codec_limits most = {least(limits->max_depth, CODEC_MAX_DEPTH),
                                limits->max_values ? limits->max_values : TASK_MESSAGE_MAX_VALUES};
    struct buf plain CLEANUP(buf_free) = buf_make(limits->max_bytes);
    const struct codec *codec = NULL;
    const char *bytes;
    size_t len;
    if (v->body_len > limits->max_bytes)
        return err_set(e, ERR_REJECT, "too_large", "body: %zu bytes, at most %zu are taken",
                       v->body_len, limits->max_bytes);
    if (!check_headers(v, most.max_depth, e) || !find_codec(v, &codec, e) ||
        !plain_body(v, &plain, &bytes, &len, e))
        return false;
    s->headers = v->headers;
    return codec->decode(bytes, len, &most, &s->body, e) || err_wrap(e, "body");
}

/* --- protocol --------------------------------------------------------------------------------- */

/* [args, kwargs, embed] */
static bool take_list(const struct source *s, struct task_message *m, struct err *e)
{
    if (json_array_size(s->body) != 3)
        return err_set(e, ERR_REJECT, "bad_body", "body: %zu elements where 3 belong",
                       json_array_size(s->body));
    m->args = json_incref(json_array_get(s->body, 0));
    m->kwargs = json_incref(json_array_get(s->body, 1));
    json_t *embed = json_array_get(s->body, 2);
    if (!json_is_object(embed) && !json_is_null(embed))
        return err_set(e, ERR_REJECT, "bad_body", "body: embed is no map");
    m->embed = json_is_object(embed) ? json_incref(embed) : NULL;
    return true;
}

/* Protocol 1: one map; what is missing is empty, as for Celery. */
static bool take_map(struct source *s, struct task_message *m, struct err *e)
{
    const json_t *args = json_object_get(s->body, "args");
    const json_t *kwargs = json_object_get(s->body, "kwargs");
    s->fields = s->body;
    m->args = args ? json_incref((json_t *)args) : json_array();
    m->kwargs = kwargs ? json_incref((json_t *)kwargs) : json_object();
    m->embed = json_pack(
        "{s:O?, s:O?, s:n, s:O?}", "callbacks", json_object_get(s->body, "callbacks"), "errbacks",
        json_object_get(s->body, "errbacks"), "chain", "chord", json_object_get(s->body, "chord"));
    return (m->args && m->kwargs && m->embed) ||
           err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

static bool take_protocol(struct source *s, struct task_message *m, struct err *e)
{
    bool named = json_object_get(s->headers, "task") != NULL;
    m->protocol = named ? 2 : 1;
    if (named && json_is_array(s->body))
        return take_list(s, m, e);
    if (named && !json_object_get(s->body, "args"))
        return err_set(e, ERR_REJECT, "bad_body",
                       "body: neither [args, kwargs, embed] nor a map with args");
    if (!named && !json_object_get(s->body, "task"))
        return err_set(e, ERR_REJECT, "not_celery",
                       "no header \"task\" and no \"task\" in the body");
    return take_map(s, m, e);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* 1 to 255 bytes without control characters. */
static bool is_name(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (!text || len == 0 || len > MAX_NAME)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

/* Absent, null, empty or no string: *ret_text stays NULL. */
static bool copy_text(const json_t *value, char **ret_text, struct err *e)
{
    const char *text = json_string_value(value);
    if (!text || !*text)
        return true;
    *ret_text = strdup(text);
    return *ret_text || err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

static bool take_identity(const struct source *s, struct task_message *m, struct err *e)
{
    const json_t *task = source_get(s, "task"), *id = source_get(s, "id");
    if (!is_name(task))
        return err_set(e, ERR_REJECT, "not_celery",
                       "task: no string of 1 to %d bytes without control characters", MAX_NAME);
    if (!is_name(id))
        return err_set(e, ERR_REJECT, "bad_id",
                       "id: %s of 1 to %d bytes without control characters",
                       id ? "no string" : "missing, must be a string", MAX_NAME);
    return copy_text(task, &m->task, e) && copy_text(id, &m->id, e);
}

static bool take_origin(const struct source *s, const char *reply_to, struct task_message *m,
                        struct err *e)
{
    const json_t *group = source_get(s, "group");
    if (!json_is_string(group))
        group = json_object_get(s->fields, "taskset");
    if (reply_to && *reply_to && !(m->reply_to = strdup(reply_to)))
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    return copy_text(source_get(s, "root_id"), &m->root_id, e) &&
           copy_text(source_get(s, "parent_id"), &m->parent_id, e) &&
           copy_text(group, &m->group_id, e) && copy_text(source_get(s, "origin"), &m->origin, e);
}

static bool check_arguments(const struct task_message *m, struct err *e)
{
    if (!json_is_array(m->args))
        return err_set(e, ERR_REJECT, "bad_arguments", "body: args are no list");
    if (!json_is_object(m->kwargs))
        return err_set(e, ERR_REJECT, "bad_arguments", "body: kwargs are no map");
    return true;
}

/* Without an offset it is UTC, as for Celery's worker, even when protocol 1 says utc: false. */
static bool take_time(const struct source *s, const char *name, const char *code, int64_t *ret_ms,
                      struct err *e)
{
    const json_t *value = source_get(s, name);
    char shown[CODEC_SHOWN];
    int64_t ms;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return err_set(e, ERR_REJECT, code, "%s: no text", name);
    if (!iso8601_parse(json_string_value(value), &ms))
        return err_set(e, ERR_REJECT, code, "%s: \"%s\" is no ISO 8601 time", name,
                       codec_shown(json_string_value(value), shown));
    *ret_ms = ms ? ms : 1; /* 0 says none */
    return true;
}

static bool take_limit(const json_t *value, int64_t *ret_ms)
{
    double seconds = json_number_value(value);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_number(value) || seconds < 0 || seconds > MAX_LIMIT_S)
        return false;
    *ret_ms = (int64_t)ceil(seconds * 1000); /* 0 is no limit, as for Celery; a tiny one is 1 ms */
    return true;
}

/* [hard, soft], in this order whatever Celery's documentation says. */
static bool take_timelimit(const struct source *s, struct task_message *m, struct err *e)
{
    const json_t *pair = source_get(s, "timelimit");
    if (!pair || json_is_null(pair) || (json_is_array(pair) && json_array_size(pair) == 0))
        return true;
    if (json_array_size(pair) != 2)
        return err_set(e, ERR_REJECT, "bad_timelimit", "timelimit: not [hard, soft]");
    if (!take_limit(json_array_get(pair, 0), &m->hard_limit_ms))
        return err_set(e, ERR_REJECT, "bad_timelimit", "timelimit: hard is no number of seconds");
    if (!take_limit(json_array_get(pair, 1), &m->soft_limit_ms))
        return err_set(e, ERR_REJECT, "bad_timelimit", "timelimit: soft is no number of seconds");
    return true;
}

/* Celery runs a message whatever retries says; what is no count is none. */
static int64_t retries_of(const struct source *s)
{
    json_int_t count = json_integer_value(source_get(s, "retries"));
    return count < 0 ? 0 : count > INT32_MAX ? INT32_MAX : count;
}

bool task_message_decode(const struct message *v, const struct task_message_limits *limits,
                         struct task_message *ret_message, struct err *e)
{
    struct source s CLEANUP(source_free) = {0};
    struct task_message m CLEANUP(task_message_free) = {.priority = v->priority};
    if (!read_body(v, limits, &s, e) || !take_protocol(&s, &m, e) || !take_identity(&s, &m, e) ||
        !check_arguments(&m, e) || !take_time(&s, "eta", "bad_eta", &m.eta_ms, e) ||
        !take_time(&s, "expires", "bad_expires", &m.expires_ms, e) || !take_timelimit(&s, &m, e) ||
        !take_origin(&s, v->reply_to, &m, e) || !signature_check(m.embed, e))
        return false;
    m.retries = retries_of(&s);
    m.ignore_result = json_is_true(source_get(&s, "ignore_result"));
    m.headers = v->headers ? json_incref(v->headers) : NULL;
    *ret_message = m;
    m = (struct task_message){.priority = -1};
    return true;
}
