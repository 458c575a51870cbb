/* A delivery as remote control shows it: Celery's description of a task. */
#include "worker/control/task_info.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/celery/task_message.h"

/* A single body that is decoded; most are a few hundred bytes. */
#define BODY_MAX 65536
#define SHOWN_MAX 1024

/* What of a message is shown; the values are owned. */
struct shown {
    json_t *id, *name, *type, *args, *kwargs;
};

static void shown_free(struct shown *s)
{
    json_decref(s->id);
    json_decref(s->name);
    json_decref(s->type);
    json_decref(s->args);
    json_decref(s->kwargs);
}

static bool read_message(const struct delivery *d, struct task_info_limits *limits,
                         struct task_message *ret_message)
{
    struct err ignored;
    struct task_message_limits most = {
        .max_bytes = BODY_MAX, .max_depth = (size_t)limits->settings->worker.max_message_depth};
    size_t cost = d->message.body_len;
    if (d->defect[0] || cost > BODY_MAX || cost > limits->bodies_left)
        return false;
    limits->bodies_left -= cost;
    return task_message_decode(&d->message, &most, ret_message, &ignored);
}

static json_t *text(const char *value)
{
    json_t *made = json_string(value ? value : "");
    return made ? made : json_string("(not UTF-8)");
}

static json_t *header(const struct delivery *d, const char *name)
{
    return json_object_get(d->message.headers, name);
}

/* The sender's text, which a stock worker shows, or Python's repr of what it sent. */
static json_t *repr(const struct delivery *d, const char *name, const json_t *value)
{
    json_t *given = header(d, name);
    if (json_is_string(given))
        return json_incref(given);
    char *made = value ? task_message_python_repr(value, SHOWN_MAX) : NULL;
    json_t *shown = text(made);
    free(made);
    return shown;
}

static json_t *name_of(const struct delivery *d, const char *task)
{
    const char *shadow = json_string_value(header(d, "shadow"));
    return text(shadow && *shadow ? shadow : task);
}

static struct shown show_message(const struct delivery *d, const struct task_message *m, bool safe)
{
    return (struct shown){.id = text(m->id),
                          .type = text(m->task),
                          .name = name_of(d, m->task),
                          .args = safe ? repr(d, "argsrepr", m->args) : json_incref(m->args),
                          .kwargs =
                              safe ? repr(d, "kwargsrepr", m->kwargs) : json_incref(m->kwargs)};
}

/* What cannot or should not be read: its headers alone. */
static struct shown show_headers(const struct delivery *d)
{
    const char *task = json_string_value(header(d, "task"));
    return (struct shown){.id = text(json_string_value(header(d, "id"))),
                          .type = text(task),
                          .name = name_of(d, task),
                          .args = repr(d, "argsrepr", NULL),
                          .kwargs = repr(d, "kwargsrepr", NULL)};
}

static json_t *delivery_info(const struct delivery *d)
{
    json_t *priority = d->message.priority >= 0 ? json_integer(d->message.priority) : json_null();
    return json_pack("{s:o, s:o, s:o, s:b}", "exchange", text(d->exchange), "routing_key",
                     text(d->routing_key), "priority", priority, "redelivered", d->redelivered);
}

static json_t *start_time(const struct state_entry *entry)
{
    return entry->stage == DELIVERY_ACTIVE ? json_real((double)entry->since_ms / 1000)
                                           : json_null();
}

static json_t *process(const struct state_entry *entry)
{
    return entry->stage == DELIVERY_ACTIVE ? json_integer(getpid()) : json_null();
}

json_t *task_info(const struct state_entry *entry, struct task_info_limits *limits, bool safe)
{
    const struct delivery *d = entry->delivery;
    struct task_message m CLEANUP(task_message_free) = {.priority = -1};
    struct shown s CLEANUP(shown_free) =
        read_message(d, limits, &m) ? show_message(d, &m, safe) : show_headers(d);
    return json_pack("{s:O, s:O, s:O, s:O, s:O, s:s, s:o, s:b, s:o, s:o}", "id", s.id, "name",
                     s.name, "args", s.args, "kwargs", s.kwargs, "type", s.type, "hostname",
                     limits->node, "time_start", start_time(entry), "acknowledged", 0,
                     "delivery_info", delivery_info(d), "worker_pid", process(entry));
}

void task_info_id(const struct state_entry *entry, struct task_info_limits *limits, char id[256])
{
    const char *given = json_string_value(header(entry->delivery, "id"));
    struct task_message m CLEANUP(task_message_free) = {.priority = -1};
    if (!given && read_message(entry->delivery, limits, &m)) /* protocol 1 has it in its body */
        given = m.id;
    strncpy(id, given ? given : "", 255);
    id[255] = '\0';
}
