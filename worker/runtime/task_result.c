/* What the sender of a message is told of its task: results, follow-up messages, events. */
#include "worker/runtime/task_result.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "worker/runtime/events.h"
#include "common/amqp/connection.h"
#include "worker/runtime/pending_result.h"
#include "common/amqp/topology.h"
#include "worker/runtime/publish_batch.h"

#define REPR_MAX 1024
#define CHORD_ID_MAX 255

/* --- whom ---------------------------------------------------------------------------------- */

const char *task_result_queue(const char *reply_to)
{
    return reply_to && *reply_to && !broker_is_inner_queue(reply_to) ? reply_to : NULL;
}

struct result_address task_result_address(const struct task_message *m, const struct message *v)
{
    return (struct result_address){.task_id = m->id,
                                   .reply_to =
                                       m->ignore_result ? NULL : task_result_queue(m->reply_to),
                                   .correlation_id = v->correlation_id,
                                   .group_id = m->group_id,
                                   .parent_id = m->parent_id};
}

/* Of a message that could not be read: what its headers say. Without an id nobody can be told. */
static struct result_address unread_address(const struct message *v)
{
    const json_t *id = json_object_get(v->headers, "id");
    bool ignored = json_is_true(json_object_get(v->headers, "ignore_result"));
    size_t length = json_string_length(id);
    bool named = length > 0 && length <= 255 && strlen(json_string_value(id)) == length;
    return (struct result_address){
        .task_id = named ? json_string_value(id) : NULL,
        .reply_to = named && !ignored ? task_result_queue(v->reply_to) : NULL,
        .correlation_id = v->correlation_id,
    };
}

static struct result_address address_of(const struct attempt *a)
{
    return a->is_readable ? task_result_address(&a->message, &a->delivery->message)
                          : unread_address(&a->delivery->message);
}

/* --- results ------------------------------------------------------------------------------- */

static bool encode(const struct attempt *a, const struct result_address *to,
                   enum result_state state, const json_t *value, const json_t *children,
                   struct message *ret, struct err *e)
{
    size_t most = (size_t)a->executor->settings->worker.max_result_bytes;
    return result_encode(to, state, value, children, most, clock_wall_ms(), ret, e);
}

static bool add_result(struct publish_batch *batch, const struct result_address *to,
                       enum result_state state, const json_t *value)
{
    struct err e;
    struct message v;
    if (!to->reply_to)
        return true;
    if (encode(batch->attempt, to, state, value, NULL, &v, &e))
        return publish_batch_add_result(batch, &v, to->reply_to);
    log_error(LOG_LEVEL_ERROR, "result_not_sent", &e);
    return e.kind == ERR_REJECT;
}

static bool add_unreachable(struct publish_batch *batch, const struct callbacks *f,
                            enum result_state state, const struct result_exception *x)
{
    json_t *value = f->forsaken_count ? result_exception_value(x) : NULL;
    bool ok = value || !f->forsaken_count;
    for (size_t i = 0; ok && i < f->forsaken_count; i++)
        ok = add_result(batch, &f->forsaken[i], state, value);
    json_decref(value);
    return ok;
}

static bool add_callbacks(struct publish_batch *batch, const struct callbacks *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (!publish_batch_add_callback(batch, &f->items[i]))
            return false;
    return true;
}

static bool send_state(struct attempt *a, enum result_state state, const json_t *value)
{
    struct publish_batch batch = {.attempt = a};
    struct result_address to = address_of(a);
    return value && add_result(&batch, &to, state, value) && publish_batch_send(&batch);
}

/* --- chords -------------------------------------------------------------------------------- */

/* Once a chord, not once for each task of its header. */
static void log_chord_once(struct attempt *a, const char *id)
{
    struct executor_context *x = a->executor;
    uint64_t print = hash_more(HASH_START, id, strlen(id));
    for (size_t i = 0; i < ARRAY_LEN(x->chords_logged); i++)
        if (x->chords_logged[i] == print)
            return;
    x->chords_logged[x->chords_next++ % ARRAY_LEN(x->chords_logged)] = print;
    log_event(
        LOG_LEVEL_WARNING, "chord_not_supported",
        "body=%s error=\"its tasks run; its body needs Celery's result backend and does not\"", id);
}

static const struct err chord_error = {
    .kind = ERR_REJECT,
    .code = "chord_not_supported",
    .text = "a chord needs Celery's result backend, which this worker has not",
};

/* --- the turns of an attempt --------------------------------------------------------------- */

void task_result_received(struct attempt *a)
{
    events_task_received(a->executor->events, &a->message);
}

bool task_result_started(struct attempt *a)
{
    events_task_started(a->executor->events, a->message.id);
    if (!a->executor->settings->worker.track_started)
        return true;
    json_t *value = json_pack("{s:i, s:s}", "pid", (int)getpid(), "hostname", a->executor->name);
    bool sent = send_state(a, RESULT_STARTED, value);
    json_decref(value);
    return sent;
}

/* Callbacks first, as Celery has it: the result names them as children. Takes over v. */
static bool send_with_callbacks(struct attempt *a, const struct callbacks *f, struct message *v,
                                const char *to)
{
    struct publish_batch batch = {.attempt = a};
    struct result_exception x = result_exception_of(&chord_error, NULL);
    if (!add_callbacks(&batch, f)) {
        message_free(v);
        return false;
    }
    if (!to)
        message_free(v);
    else if (!publish_batch_add_result(&batch, v, to))
        return false;
    return add_unreachable(&batch, f, RESULT_FAILURE, &x) && publish_batch_send(&batch);
}

/* A result alone: the I/O thread publishes it and then acknowledges the delivery: the next task need not wait for
 * the confirm of this one's result. Takes over v. */
static bool send_with_delivery(struct attempt *a, struct message *v, const char *to)
{
    struct delivery *d = a->delivery;
    d->result = pending_result_new(v, to);
    return d->result != NULL;
}

static void note_succeeded(struct attempt *a)
{
    if (!events_on(a->executor->events))
        return;
    char *repr = task_message_python_repr(a->result, REPR_MAX);
    int64_t ms = a->started_ms ? clock_mono_ms() - a->started_ms : 0;
    events_task_succeeded(a->executor->events, a->message.id, repr ? repr : "None",
                          (double)ms / 1000);
    free(repr);
}

static void log_chords(struct attempt *a, const struct callbacks *f)
{
    const char *chord = signature_chord(a->message.embed);
    if (chord)
        log_chord_once(a, *chord                ? chord
                          : a->message.group_id ? a->message.group_id
                                                : a->message.id);
    if (f->has_chord)
        log_chord_once(a, f->forsaken_count ? f->forsaken[f->forsaken_count - 1].task_id
                                            : a->message.id);
}

bool task_result_succeeded(struct attempt *a)
{
    struct callbacks f CLEANUP(callbacks_free) = {.items = NULL};
    struct message v;
    struct err e;
    struct result_address to = address_of(a);
    if (!to.reply_to && !signature_has_callbacks(a->message.embed)) {
        note_succeeded(a);
        return true;
    }
    if (!signature_succeeded(&a->message, a->result, a->executor->name, clock_wall_ms(), &f, &e) ||
        !encode(a, &to, RESULT_SUCCESS, a->result, f.children, &v, &e)) {
        log_error(LOG_LEVEL_WARNING, "result_not_sent", &e);
        return e.kind == ERR_REJECT && task_result_failed(a, &e);
    }
    bool is_alone = f.count == 0 && f.forsaken_count == 0 && to.reply_to;
    if (is_alone ? !send_with_delivery(a, &v, to.reply_to)
                 : !send_with_callbacks(a, &f, &v, to.reply_to))
        return false;
    log_chords(a, &f);
    note_succeeded(a);
    return true;
}

bool task_result_retried(struct attempt *a, const struct err *why)
{
    struct result_exception x = result_exception_of(why, a->message.task);
    if (address_of(a).reply_to) {
        json_t *value = result_exception_value(&x);
        bool sent = send_state(a, RESULT_RETRY, value);
        json_decref(value);
        if (!sent)
            return false;
    }
    char *repr = result_exception_repr(&x);
    if (a->is_readable)
        events_task_retried(a->executor->events, a->message.id, repr ? repr : x.type);
    free(repr);
    return true;
}

static void note_failed(struct attempt *a, const struct result_exception *x)
{
    const char *id = address_of(a).task_id;
    char *repr = result_exception_repr(x);
    if (a->is_readable)
        events_task_failed(a->executor->events, id, repr ? repr : x->type);
    else if (id)
        events_task_rejected(a->executor->events, id, false);
    free(repr);
}

static bool send_failure(struct attempt *a, const struct callbacks *f,
                         const struct result_exception *x)
{
    struct publish_batch batch = {.attempt = a};
    struct result_address to = address_of(a);
    json_t *value = result_exception_value(x);
    bool ok = value && add_result(&batch, &to, RESULT_FAILURE, value) &&
              add_unreachable(&batch, f, RESULT_FAILURE, x) && add_callbacks(&batch, f) &&
              publish_batch_send(&batch);
    json_decref(value);
    return ok;
}

bool task_result_failed(struct attempt *a, const struct err *why)
{
    struct callbacks f CLEANUP(callbacks_free) = {.items = NULL};
    struct err e;
    struct result_exception x = result_exception_of(why, a->is_readable ? a->message.task : NULL);
    if (a->is_readable &&
        !signature_failed(&a->message, a->executor->name, clock_wall_ms(), &f, &e))
        return false;
    if (!send_failure(a, &f, &x))
        return false;
    if (f.has_chord || (a->is_readable && signature_chord(a->message.embed)))
        log_chords(a, &f);
    note_failed(a, &x);
    return true;
}

static const char *const revocation_names[] = {
    [REVOKED_EXPIRED] = "expired",
    [REVOKED_BY_REQUEST] = "revoked",
    [REVOKED_TERMINATED] = "terminated",
};

const char *revocation_name(enum revocation how)
{
    return revocation_names[how];
}

enum revocation revocation_of_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(revocation_names); i++)
        if (strcmp(revocation_names[i], name) == 0)
            return (enum revocation)i;
    return REVOKED_BY_REQUEST;
}

bool task_result_revoked(struct attempt *a)
{
    enum revocation how = a->revocation;
    struct callbacks f CLEANUP(callbacks_free) = {.items = NULL};
    struct publish_batch batch = {.attempt = a};
    struct err e, why;
    struct result_address to = address_of(a);
    (void)err_set(&why, ERR_REJECT, "revoked", "%s", revocation_names[how]);
    struct result_exception x = result_exception_of(&why, NULL);
    json_t *value = result_exception_value(&x);
    bool ok = value && signature_revoked(&a->message, &f, &e) &&
              add_result(&batch, &to, RESULT_REVOKED, value) &&
              add_unreachable(&batch, &f, RESULT_REVOKED, &x) && publish_batch_send(&batch);
    json_decref(value);
    if (ok)
        events_task_revoked(a->executor->events, a->message.id, how == REVOKED_TERMINATED,
                            how == REVOKED_TERMINATED ? SIGTERM : 0, how == REVOKED_EXPIRED);
    return ok;
}
