/* Any AMQP message: decoding refuses it with a reason or gives a message that survives being sent
 * again, and whose signatures become messages that do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/celery/canvas.h"

/* One byte of choices, a line of headers as JSON, the rest is the body. */
enum choice { MSGPACK = 1, GZIP = 2, BZIP2 = 4, NO_TYPE = 8, CONTENT_ENCODING = 16 };

static const struct task_message_limits limits = {.max_bytes = 1 << 16, .max_depth = 100};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok, const char *what, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, e->code, e->text);
    abort();
}

static struct message make_message(const uint8_t *data, size_t size)
{
    struct message v = {.priority = data[0] & 7};
    int choice = data[0];
    const uint8_t *line = data + 1, *end = memchr(line, '\n', size - 1);
    size_t line_len = end ? (size_t)(end - line) : 0;
    const uint8_t *body = end ? end + 1 : line;
    v.headers = json_loadb((const char *)line, line_len, JSON_DECODE_ANY, NULL);
    if (choice & (GZIP | BZIP2) && json_is_object(v.headers))
        json_object_set_new(v.headers, "compression",
                            json_string(choice & GZIP ? "gzip" : "bzip2"));
    if (!(choice & NO_TYPE))
        v.content_type = strdup(choice & MSGPACK ? "application/x-msgpack" : "application/json");
    if (choice & CONTENT_ENCODING)
        v.content_encoding = strdup("utf-8");
    v.body_len = size - (size_t)(body - data);
    v.body = malloc(v.body_len); /* exactly: a byte too many is found */
    memcpy(v.body, body, v.body_len);
    return v;
}

/* Bytes change their form on the way through msgpack, by design. */
static bool has_extended_type(const struct task_message *m)
{
    char *text = json_dumps(m->args, 0), *more = json_dumps(m->kwargs, 0);
    bool has = (text && strstr(text, "__type__")) || (more && strstr(more, "__type__"));
    free(text);
    free(more);
    return has;
}

static void send_again(const struct task_message *m, const char *serializer)
{
    struct err e = {0};
    struct message v CLEANUP(message_free) = {.priority = -1};
    struct task_message again CLEANUP(task_message_free) = {.priority = -1};
    struct task_message_limits wider = {1 << 20, 512, 1 << 20};
    if (!task_message_encode(m, serializer, 1000, &v, &e)) {
        require(e.kind == ERR_REJECT && e.code[0] && e.text[0], "refused without a reason", &e);
        require(strcmp(serializer, "msgpack") == 0 || strcmp(e.code, "bad_body") == 0, "json", &e);
        return;
    }
    if (!task_message_decode(&v, &wider, &again, &e)) {
        require(strcmp(e.code, "too_deep") == 0, "not read again", &e); /* msgpack-c: 32 levels */
        return;
    }
    require(strcmp(m->id, again.id) == 0 && strcmp(m->task, again.task) == 0, "identity", &e);
    require(m->eta_ms == again.eta_ms && m->expires_ms == again.expires_ms, "times", &e);
    require(m->retries == again.retries, "retries", &e);
    require(m->hard_limit_ms == again.hard_limit_ms, "hard limit", &e);
    require(m->soft_limit_ms == again.soft_limit_ms, "soft limit", &e);
    if (has_extended_type(m))
        return;
    require(json_equal(m->args, again.args) == 1, "args", &e);
    require(json_equal(m->kwargs, again.kwargs) == 1, "kwargs", &e);
}

/* --- what follows it ---------------------------------------------------------------------------
 */

static void send_result(const struct result_address *to, const struct callbacks *f,
                        const json_t *value)
{
    struct err e = {0};
    struct message v CLEANUP(message_free) = {.priority = -1};
    if (!result_encode(to, RESULT_SUCCESS, value, f->children, 1 << 16, 1000, &v, &e))
        require(strcmp(e.code, "result_too_large") == 0 || strcmp(e.code, "bad_result") == 0,
                "result", &e);
}

static void send_follow_ups(const struct callbacks *f, const json_t *value)
{
    struct err e = {0};
    require(f->count <= SIGNATURE_MAX_COUNT && f->forsaken_count <= SIGNATURE_MAX_COUNT,
            "too many follow-ups", &e);
    for (size_t i = 0; i < f->count && i < 64; i++) {
        const struct task_message *m = &f->items[i].message;
        struct message v CLEANUP(message_free) = {.priority = -1};
        require(m->id && m->task && m->root_id && m->parent_id, "half a follow-up", &e);
        if (!task_message_encode(m, f->items[i].serializer, 1000, &v, &e))
            require(e.kind == ERR_REJECT && e.code[0], "refused without a reason", &e);
    }
    for (size_t i = 0; i < f->forsaken_count; i++)
        send_result(&f->forsaken[i], f, value);
}

static void follow(const struct task_message *m)
{
    struct err e = {0};
    struct callbacks f = {0}, again = {0};
    struct result_address to = {.task_id = m->id, .reply_to = "client"};
    require(signature_succeeded(m, m->args, "fuzz", 1000, &f, &e), "succeeded", &e);
    require(signature_succeeded(m, m->args, "fuzz", 1000, &again, &e), "succeeded again", &e);
    require(f.count == again.count, "another number of follow-ups", &e);
    for (size_t i = 0; i < f.count; i++)
        require(strcmp(f.items[i].message.id, again.items[i].message.id) == 0, "another id", &e);
    send_result(&to, &f, m->args);
    send_follow_ups(&f, m->kwargs);
    callbacks_free(&f);
    callbacks_free(&again);
    require(signature_failed(m, "fuzz", 1000, &f, &e), "failed", &e);
    send_follow_ups(&f, m->kwargs);
    callbacks_free(&f);
    require(signature_revoked(m, &f, &e), "revoked", &e);
    send_follow_ups(&f, m->kwargs);
    callbacks_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct err e = {0};
    struct message v CLEANUP(message_free) = make_message(data, size);
    struct task_message m CLEANUP(task_message_free) = {.priority = -1};
    if (!task_message_decode(&v, &limits, &m, &e)) {
        require(e.kind == ERR_REJECT && e.code[0] && e.text[0], "refused without a reason", &e);
        return 0;
    }
    require(m.id && m.task && json_is_array(m.args) && json_is_object(m.kwargs), "half a message",
            &e);
    send_again(&m, "json");
    send_again(&m, "msgpack");
    follow(&m);
    return 0;
}
