/* What a waiting Celery client is told of its task, as its rpc:// backend sends it. */
#include "common/celery/result.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error_codes.h"
#include "common/celery/codec.h"
#include "common/base/iso8601.h"
#include "common/celery/task_message.h"

#define REPR_MAX 1024

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a result");
}

/* --- exceptions ------------------------------------------------------------------------------- */

/* feed_not_found -> FeedNotFound */
static void camel_case(const char *code, char *out, size_t size)
{
    size_t n = 0;
    bool upper = true;
    for (; *code && n + 1 < size; code++) {
        unsigned char c = (unsigned char)*code;
        if (!isalnum(c)) {
            upper = true;
            continue;
        }
        out[n++] = (char)(upper ? toupper(c) : c);
        upper = false;
    }
    out[n] = '\0';
}

static bool is_utf8(const char *text)
{
    json_t *made = json_string(text);
    json_decref(made);
    return made != NULL;
}

/* An error's text may quote what a feed or a server sent, and be cut inside a character. */
static void copy_text(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    size_t length = strlen(out);
    for (size_t cut = 0; cut < 4 && cut <= length; cut++) {
        out[length - cut] = '\0';
        if (is_utf8(out))
            return;
    }
    snprintf(out, size, "%s", text);
    for (char *at = out; *at; at++)
        *at = (char)((unsigned char)*at < 0x80 ? *at : '?');
}

struct result_exception result_exception_of(const struct err *why, const char *task)
{
    struct result_exception x = {.module = "meterbeat"};
    const char *text = strcmp(why->code, "unknown_task") == 0 && task ? task : why->text;
    copy_text(text, x.text, sizeof x.text);
    camel_case(why->code, x.type, sizeof x.type);
    const struct error_code *row = error_code_find(why->code);
    if (row && row->exception) {
        x.module = row->exception_module;
        snprintf(x.type, sizeof x.type, "%s", row->exception);
    }
    return x;
}

char *result_exception_repr(const struct result_exception *x)
{
    json_t *text = json_string(x->text);
    char *argument = text ? task_message_python_repr(text, REPR_MAX) : NULL;
    json_decref(text);
    size_t size = argument ? strlen(argument) + strlen(x->type) + 3 : 0;
    char *repr = argument ? malloc(size) : NULL;
    if (repr)
        snprintf(repr, size, "%s(%s)", x->type, argument);
    free(argument);
    return repr;
}

json_t *result_exception_value(const struct result_exception *x)
{
    return json_pack("{s:s, s:[s], s:s}", "exc_type", x->type, "exc_message", x->text, "exc_module",
                     x->module);
}

/* --- the message ------------------------------------------------------------------------------ */

static const char *const state_names[] = {
    [RESULT_STARTED] = "STARTED", [RESULT_SUCCESS] = "SUCCESS", [RESULT_FAILURE] = "FAILURE",
    [RESULT_RETRY] = "RETRY",     [RESULT_REVOKED] = "REVOKED",
};

json_t *result_child(const char *id, json_t *members)
{
    return json_pack("[[s, n], O?]", id, members);
}

static json_t *result_meta(const struct result_address *to, enum result_state state,
                           const json_t *value, const json_t *children, int64_t now_ms)
{
    char now[ISO8601_TEXT];
    bool ended = state != RESULT_STARTED && state != RESULT_RETRY;
    json_t *meta = json_pack("{s:s, s:O?, s:n, s:o, s:s?}", "status", state_names[state], "result",
                             value, "traceback", "children",
                             children ? json_incref((json_t *)children) : json_array(), "date_done",
                             ended ? iso8601_format(now_ms, now) : NULL);
    bool whole = meta && (!to->group_id ||
                          json_object_set_new(meta, "group_id", json_string(to->group_id)) == 0);
    whole = whole && (!to->parent_id ||
                      json_object_set_new(meta, "parent_id", json_string(to->parent_id)) == 0);
    whole = whole && json_object_set_new(meta, "task_id", json_string(to->task_id)) == 0;
    if (whole)
        return meta;
    json_decref(meta);
    return NULL;
}

static bool write_body(const json_t *meta, size_t max_bytes, struct message *v, struct err *e)
{
    struct buf out CLEANUP(buf_free) = buf_make(max_bytes);
    if (!codec_json.encode(meta, &out, e)) {
        if (e->kind == ERR_RETRY)
            return false;
        if (strcmp(e->code, "too_large") == 0)
            return err_set(e, ERR_REJECT, "result_too_large", "a result of more than %zu bytes",
                           max_bytes);
        char why[sizeof e->text];
        memcpy(why, e->text, sizeof why);
        return err_set(e, ERR_REJECT, "bad_result", "result: %.400s", why);
    }
    v->body = out.data;
    v->body_len = out.len;
    out = buf_make(0);
    return true;
}

bool result_encode(const struct result_address *to, enum result_state state, const json_t *value,
                   const json_t *children, size_t max_bytes, int64_t now_ms,
                   struct message *ret_message, struct err *e)
{
    struct message v CLEANUP(message_free) = {.priority = 0};
    json_t *meta = result_meta(to, state, value, children, now_ms);
    if (!meta)
        return no_memory(e);
    bool ok = write_body(meta, max_bytes, &v, e);
    json_decref(meta);
    if (!ok)
        return false;
    v.content_type = strdup(codec_json.content_type);
    v.content_encoding = strdup(codec_json.content_encoding);
    v.correlation_id = strdup(to->correlation_id ? to->correlation_id : to->task_id);
    if (!v.content_type || !v.content_encoding || !v.correlation_id)
        return no_memory(e);
    *ret_message = v;
    v = (struct message){.priority = -1};
    return true;
}
