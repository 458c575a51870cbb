/* What Celery's monitors are told of tasks and of this worker: noted here, sent by the control
 * thread. */
#include "worker/runtime/events.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/iso8601.h"

#define HEARTBEAT_S 2.0
/* Celery cuts what is shown of arguments and results; texts of others are cut here. */
#define SHOWN_MAX 1024

struct events {
    const char *node, *system;
    struct state *state;
    int wake_fd;
    size_t most;
    atomic_bool on;
    pthread_mutex_t lock;
    json_t *waiting;  /* a list */
    uint64_t dropped; /* since the list was full; 0: it is not */
    bool sleeping;    /* somebody waits on wake_fd */
    struct utsname machine;
};

struct events *events_new(const struct settings *s, const char *node, struct state *st, int wake_fd)
{
    struct events *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct events){.node = node,
                         .state = st,
                         .wake_fd = wake_fd,
                         .most = (size_t)s->worker.max_events,
                         .waiting = json_array()};
    atomic_init(&v->on, s->worker.task_events);
    v->system = uname(&v->machine) == 0 ? v->machine.sysname : "Linux";
    pthread_mutex_init(&v->lock, NULL);
    if (v->waiting)
        return v;
    events_free(v);
    return NULL;
}

void events_free(struct events *v)
{
    if (!v)
        return;
    json_decref(v->waiting);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

bool events_on(const struct events *v)
{
    return v && atomic_load_explicit(&v->on, memory_order_relaxed);
}

bool events_turn(struct events *v, bool on)
{
    return atomic_exchange(&v->on, on);
}

/* --- putting one together ------------------------------------------------------------------ */

/* Hours west of UTC, as Celery counts: monitors shift the timestamp by it. */
static double utc_offset(time_t now)
{
    struct tm local;
    return localtime_r(&now, &local) ? (double)(0 - local.tm_gmtoff) / 3600 : 0;
}

/* The fields every event has, around those it has alone; takes `fields` over. NULL: no memory. */
static json_t *complete(struct events *v, const char *type, json_t *fields)
{
    int64_t now_ms = clock_wall_ms();
    json_t *event = json_pack("{s:s, s:f, s:i, s:I}", "hostname", v->node, "utcoffset",
                              utc_offset((time_t)(now_ms / 1000)), "pid", (int)getpid(), "clock",
                              (json_int_t)state_clock_tick(v->state));
    json_t *last = json_pack("{s:f, s:s}", "timestamp", (double)now_ms / 1000, "type", type);
    bool whole = event && fields && last && json_object_update(event, fields) == 0 &&
                 json_object_update(event, last) == 0;
    json_decref(fields);
    json_decref(last);
    if (whole)
        return event;
    json_decref(event);
    return NULL;
}

/* Its clock is drawn under the lock: the list is in the order of the clock. */
static void note(struct events *v, const char *type, json_t *fields)
{
    bool wake = false, is_first = false;
    pthread_mutex_lock(&v->lock);
    if (json_array_size(v->waiting) < v->most && !v->dropped) {
        wake = v->sleeping;
        v->sleeping = false;
        if (json_array_append_new(v->waiting, complete(v, type, fields)) != 0)
            v->dropped++;
    } else {
        is_first = v->dropped++ == 0;
        json_decref(fields);
    }
    pthread_mutex_unlock(&v->lock);
    if (is_first)
        log_event(LOG_LEVEL_WARNING, "events_full", "max_events=%zu", v->most);
    ssize_t written = wake ? write(v->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) : 0;
    (void)written; /* fails only when it is readable already */
}

/* A text that may be anything, cut. */
static json_t *shown(const char *text)
{
    size_t n = strnlen(text, SHOWN_MAX);
    while (text[n] && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--; /* not inside a character */
    json_t *value = json_stringn(text, n);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *shown_or_null(const char *text)
{
    return text ? shown(text) : json_null();
}

static json_t *time_or_null(int64_t ms)
{
    char text[ISO8601_TEXT];
    return ms ? json_string(iso8601_format(ms, text)) : json_null();
}

/* --- received ------------------------------------------------------------------------------ */

struct received {
    const char *id, *name, *root_id, *parent_id;
    json_t *args, *kwargs; /* texts; owned */
    json_int_t retries;
    int64_t eta_ms, expires_ms;
};

static void note_received(struct events *v, const struct received *r)
{
    note(v, "task-received",
         json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "uuid", r->id, "name",
                   shown(r->name), "args", r->args, "kwargs", r->kwargs, "root_id",
                   shown_or_null(r->root_id), "parent_id", shown_or_null(r->parent_id), "retries",
                   r->retries, "eta", time_or_null(r->eta_ms), "expires",
                   time_or_null(r->expires_ms)));
}

static const char *header(const json_t *headers, const char *name)
{
    return json_string_value(json_object_get(headers, name));
}

/* The sender's own words for the arguments, or ours. */
static json_t *arguments_text(const json_t *headers, const char *name, const json_t *arguments)
{
    const char *given = header(headers, name);
    if (given)
        return shown(given);
    char *text = task_message_python_repr(arguments, SHOWN_MAX);
    json_t *value = shown(text ? text : "");
    free(text);
    return value;
}

void events_task_received(struct events *v, const struct task_message *m)
{
    if (!events_on(v))
        return;
    const char *shadow = header(m->headers, "shadow");
    struct received r = {.id = m->id,
                         .name = shadow && *shadow ? shadow : m->task,
                         .root_id = m->root_id,
                         .parent_id = m->parent_id,
                         .args = arguments_text(m->headers, "argsrepr", m->args),
                         .kwargs = arguments_text(m->headers, "kwargsrepr", m->kwargs),
                         .retries = m->retries,
                         .eta_ms = m->eta_ms,
                         .expires_ms = m->expires_ms};
    note_received(v, &r);
}

/* False: there is one, but not as it should be. */
static bool header_time(const json_t *headers, const char *name, int64_t *ret_ms)
{
    const json_t *value = json_object_get(headers, name);
    *ret_ms = 0;
    return !value || json_is_null(value) ||
           (json_is_string(value) && iso8601_parse(json_string_value(value), ret_ms));
}

bool events_task_arrived(struct events *v, const struct message *message)
{
    const json_t *h = message->headers;
    const char *task = header(h, "task"), *shadow = header(h, "shadow");
    struct received r = {.id = header(h, "id"),
                         .name = shadow && *shadow ? shadow : task,
                         .root_id = header(h, "root_id"),
                         .parent_id = header(h, "parent_id"),
                         .retries = json_integer_value(json_object_get(h, "retries"))};
    if (!events_on(v) || !task || !r.id || !header(h, "argsrepr") || !header(h, "kwargsrepr") ||
        !header_time(h, "eta", &r.eta_ms) || !header_time(h, "expires", &r.expires_ms))
        return false;
    r.args = shown(header(h, "argsrepr"));
    r.kwargs = shown(header(h, "kwargsrepr"));
    note_received(v, &r);
    return true;
}

/* --- the other events of a task ------------------------------------------------------------ */

void events_task_started(struct events *v, const char *task_id)
{
    if (events_on(v))
        note(v, "task-started", json_pack("{s:o}", "uuid", shown(task_id)));
}

void events_task_succeeded(struct events *v, const char *task_id, const char *result,
                           double runtime_s)
{
    if (events_on(v))
        note(v, "task-succeeded",
             json_pack("{s:o, s:o, s:f}", "uuid", shown(task_id), "result", shown(result),
                       "runtime", runtime_s));
}

/* There is no traceback in C; Celery's field is a text. */
static void note_exception(struct events *v, const char *type, const char *task_id,
                           const char *exception)
{
    if (events_on(v))
        note(v, type,
             json_pack("{s:o, s:o, s:s}", "uuid", shown(task_id), "exception", shown(exception),
                       "traceback", ""));
}

void events_task_failed(struct events *v, const char *task_id, const char *exception)
{
    note_exception(v, "task-failed", task_id, exception);
}

void events_task_retried(struct events *v, const char *task_id, const char *exception)
{
    note_exception(v, "task-retried", task_id, exception);
}

void events_task_rejected(struct events *v, const char *task_id, bool requeue)
{
    if (events_on(v))
        note(v, "task-rejected",
             json_pack("{s:o, s:b}", "uuid", shown(task_id), "requeue", requeue));
}

void events_task_revoked(struct events *v, const char *task_id, bool terminated, int signal,
                         bool expired)
{
    if (events_on(v))
        note(v, "task-revoked",
             json_pack("{s:o, s:b, s:o, s:b}", "uuid", shown(task_id), "terminated", terminated,
                       "signum", signal ? json_integer(signal) : json_null(), "expired", expired));
}

/* --- the control thread's side ------------------------------------------------------------- */

static json_t *load_averages(void)
{
    double load[3] = {0, 0, 0};
    (void)getloadavg(load, 3); /* unknown: no load */
    for (int i = 0; i < 3; i++)
        load[i] = round(load[i] * 100) / 100;
    return json_pack("[f, f, f]", load[0], load[1], load[2]);
}

json_t *events_worker(struct events *v, const char *type)
{
    return complete(v, type,
                    json_pack("{s:f, s:I, s:I, s:o, s:s, s:s, s:s}", "freq", HEARTBEAT_S, "active",
                              (json_int_t)state_active(v->state), "processed",
                              (json_int_t)state_processed(v->state), "loadavg", load_averages(),
                              "sw_ident", "meterbeat", "sw_ver", METERBEAT_VERSION, "sw_sys",
                              v->system));
}

json_t *events_take(struct events *v)
{
    json_t *none = json_array(), *taken = NULL;
    uint64_t dropped = 0;
    if (!none)
        return NULL;
    pthread_mutex_lock(&v->lock);
    if (json_array_size(v->waiting) > 0) {
        taken = v->waiting;
        v->waiting = none;
        dropped = v->dropped;
        v->dropped = 0;
        none = NULL;
    }
    pthread_mutex_unlock(&v->lock);
    json_decref(none);
    if (dropped)
        log_event(LOG_LEVEL_WARNING, "events_dropped", "count=%llu", (unsigned long long)dropped);
    return taken;
}

bool events_sleep(struct events *v)
{
    pthread_mutex_lock(&v->lock);
    v->sleeping = json_array_size(v->waiting) == 0;
    bool sleeps = v->sleeping;
    pthread_mutex_unlock(&v->lock);
    return sleeps;
}
