/* `send`: puts one task on a queue, and says its id once the broker has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/text.h"
#include "common/base/uuid.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "common/celery/task_message.h"
#include "common/amqp/topology.h"
#include "common/amqp/publish.h"
#include "ctl/session.h"

struct request {
    const char *task, *args, *kwargs, *queue, *id;
};

static const struct option_row options[] = {
    {"kwargs", "JSON", "Keyword arguments, a JSON object", 'k', TEXT(kwargs)},
    {"queue", "NAME", "Where to (default: broker.queue)", 'q', TEXT(queue)},
    {"id", "ID", "The task's id (default: a new one); the same id is run only once", 'i', TEXT(id)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "TASK [ARGS-JSON]",
    .doc = "Put one task on the queue; prints its id once the broker has confirmed it.\v"
           "Examples:\n"
           "  meterbeatctl send parse            every active record\n"
           "  meterbeatctl send parse '[7]'      the next window of record 7\n"
           "  meterbeatctl send aggregate        every month that changed\n"
           "  meterbeatctl send aggregate '[\"42\"]'   building 42, now",
    .most = 2,
    .none = "which task? for example parse or aggregate",
};

/* JSON text of a list or an object; says what is wrong with it. */
static json_t *json_argument(const char *text, const char *what, bool list)
{
    json_error_t why;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!value) {
        (void)ctl_misused("%s: no JSON: %s at column %d", what, why.text, why.column);
        return NULL;
    }
    if (list ? json_is_array(value) : json_is_object(value))
        return value;
    (void)ctl_misused("%s: must be a JSON %s", what,
                      list ? "list, such as '[7]'" : "object, such as '{\"building\": \"42\"}'");
    json_decref(value);
    return NULL;
}

static char *origin(void)
{
    char host[HOST_NAME], text[HOST_NAME + 16];
    snprintf(text, sizeof text, "meterbeatctl@%s", host_name(host));
    return strdup(text);
}

static bool make_message(const struct request *s, struct task_message *ret_message)
{
    char id[UUID_TEXT];
    uuid4_random(id);
    struct task_message m = {.priority = -1, .protocol = 2};
    m.args = json_argument(s->args ? s->args : "[]", "arguments", true);
    m.kwargs = m.args ? json_argument(s->kwargs ? s->kwargs : "{}", "--kwargs", false) : NULL;
    m.id = strdup(s->id ? s->id : id);
    m.root_id = strdup(s->id ? s->id : id);
    m.task = strdup(s->task);
    m.origin = origin();
    bool whole = m.args && m.kwargs && m.id && m.root_id && m.task && m.origin;
    if (whole)
        *ret_message = m;
    else
        task_message_free(&m);
    return whole;
}

/* The work queue is made when it is not there yet: the first message may come before any worker. */
static bool publish(const struct settings *s, const char *queue, const struct message *v,
                    struct err *e)
{
    CLEANUP(session_end) struct session session = {.settings = s};
    bool ours = strcmp(queue, s->broker.queue) == 0;
    return session_broker(&session, e) &&
           (!ours || broker_declare_topology(session.broker, s, NULL, e)) &&
           broker_publish_wait(session.broker, queue, v, e);
}

static int send_message(const struct request *s, const struct settings *settings,
                        const struct task_message *m)
{
    CLEANUP(message_free) struct message v = {.priority = -1};
    struct err e;
    const char *queue = s->queue ? s->queue : settings->broker.queue;
    if (!task_message_encode(m, settings->producer.serializer, clock_wall_ms(), &v, &e))
        return ctl_misused("%s", e.text);
    if (!publish(settings, queue, &v, &e))
        return ctl_fail(&e);
    text_print(stdout, "%s\n", m->id);
    return CTL_OK;
}

int send_run(struct ctl *c, int argc, char **argv)
{
    struct request s = {0};
    int status;
    option_parse(c, &usage, &s, argc, argv);
    s.task = c->arguments[0];
    s.args = c->arguments[1];
    if (!ctl_settings(c, &status))
        return status;
    CLEANUP(task_message_free) struct task_message m = {0};
    if (!make_message(&s, &m))
        return CTL_MISUSED;
    return send_message(&s, &c->settings, &m);
}
