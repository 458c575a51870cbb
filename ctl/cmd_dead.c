/* `dead`: the messages that failed for good: list, show, replay, drop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/store/run.h"
#include "common/amqp/topology.h"
#include "common/amqp/publish.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "ctl/dead_letter_view.h"
#include "ctl/session.h"
#include "ctl/table.h"

#define LIST_MAX 10000

struct request {
    struct ctl *ctl;
    const char *id, *queue;
    bool all, json;
    int64_t most;
};

static const struct option_row options[] = {
    {"all", NULL, "Every message instead of one ID (replay, drop)", FLAG(all)},
    {"queue", "NAME",
     "Where replayed messages go, whatever they say (replay; default: the queue that they died of, "
     "when the configuration names it)",
     'q', TEXT(queue)},
    {"json", NULL, "One JSON object a line (list, show)", 'j', FLAG(json)},
    {"most", "N", "How many to list (default 100)", 'n', NUMBER(most, LIST_MAX)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "list\nshow ID\nreplay ID|--all\ndrop ID|--all",
    .doc = "The messages that failed for good, in <queue>.dead, each with its reason.\v"
           "ID is the task's id, or its number in the list (for messages that have none).\n"
           "replay sends a message once more, as fresh as it was, and takes it off the "
           "dead-letter queue when the broker has confirmed it. drop throws it away.",
    .most = 2,
};

/* --- going through the queue ---------------------------------------------------------------------
 */

/* Looks at one message; *ret_settled says that it was acknowledged. */
struct visitor {
    const struct request *dead;
    struct session *session;
    struct table *table;
    size_t number; /* of the message in the queue, from 1 */
    size_t hits, refused;
    bool (*visit)(struct visitor *v, const struct broker_event *message, struct err *e);
};

/*
 * Takes each message that is in the queue now, once; those not acknowledged go back in their order
 * when the connection ends. One more than there were would be one of those come back.
 */
static bool visit_all(struct visitor *v, size_t most, struct err *e)
{
    const struct settings *s = v->session->settings;
    char queue[BROKER_QUEUE_NAME];
    uint32_t ready = 0, consumers = 0;
    broker_dead_queue(s, queue);
    if (!broker_queue_depth(v->session->broker, queue, &ready, &consumers, e))
        return false;
    for (v->number = 1; v->number <= ready && v->number <= most; v->number++) {
        CLEANUP(broker_event_free) struct broker_event message = {0};
        if (!broker_get(v->session->broker, queue, &message, e))
            return false;
        if (message.kind != BROKER_EVENT_DELIVERY)
            return true; /* somebody else took the rest */
        if (!v->visit(v, &message, e))
            return false;
    }
    return true;
}

static bool is_wanted(const struct visitor *v, const struct message *message)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", v->number);
    return v->dead->all || strcmp(dead_letter_id(message), v->dead->id) == 0 ||
           strcmp(number, v->dead->id) == 0;
}

/* --- list, show
 * -------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *summary, const char *name)
{
    const char *text = json_string_value(json_object_get(summary, name));
    return text ? text : "-";
}

static bool list_one(struct visitor *v, const struct broker_event *message, struct err *e)
{
    json_t *summary = dead_letter_summary(&message->message);
    if (!summary)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    v->hits++;
    if (v->dead->json)
        return ctl_print_json(summary, e);
    table_row(v->table, "%zu\t%s\t%s\t%s\t%s\t%s", v->number, text_of(summary, "time"),
              text_of(summary, "id"), text_of(summary, "task"), text_of(summary, "reason"),
              text_of(summary, "error"));
    json_decref(summary);
    return true;
}

static bool show_one(struct visitor *v, const struct broker_event *message, struct err *e)
{
    if (!is_wanted(v, &message->message))
        return true;
    v->hits++;
    return ctl_print_json_as(dead_letter_whole(&message->message),
                             v->dead->json ? JSON_COMPACT : JSON_INDENT(2), e);
}

/* --- replay, drop
 * -------------------------------------------------------------------------------------- */

static bool reopen_run(struct session *s, const char *id, struct err *e)
{
    bool reopened;
    return !id[0] || run_reopen(s->pg, id, &reopened, e);
}

/* The header is whatever the message's last writer put there: with our rights it may only lead to
 * queues that the configuration knows. */
static bool is_configured(const struct settings *s, const char *queue)
{
    if (strcmp(queue, s->broker.queue) == 0 || strcmp(queue, s->worker.foreign_queue) == 0)
        return true;
    for (size_t i = 0; i < s->entries_count; i++)
        if (s->entries[i].queue && strcmp(queue, s->entries[i].queue) == 0)
            return true;
    return false;
}

/* Where the message goes; NULL: nowhere, and it is said why. */
static const char *replay_queue(struct visitor *v, const struct message *message, const char *id)
{
    const struct settings *s = v->session->settings;
    const char *from = json_string_value(json_object_get(message->headers, "x-meterbeat-queue"));
    if (v->dead->queue)
        return v->dead->queue;
    if (!from || is_configured(s, from))
        return from ? from : s->broker.queue;
    v->refused++;
    text_print(stderr,
               "meterbeatctl: message %zu, task %s, stays where it is: it says that it comes from "
               "queue %s, which the configuration does not name\n"
               "  Is that true? replay it with --queue NAME.\n",
               v->number, id, from);
    return NULL;
}

/* The run waits again before its message can arrive; acknowledged only once that is confirmed. */
static bool replay_one(struct visitor *v, const struct broker_event *message, struct err *e)
{
    if (!is_wanted(v, &message->message))
        return true;
    struct message fresh;
    const char *id = dead_letter_id(&message->message);
    const char *queue = replay_queue(v, &message->message, id);
    if (!queue)
        return true;
    if (!dead_letter_fresh(&message->message, &fresh, e))
        return false;
    bool ok =
        reopen_run(v->session, id, e) && broker_publish_wait(v->session->broker, queue, &fresh, e);
    dead_letter_fresh_free(&fresh);
    if (!ok)
        return err_wrap(e, "message %zu, task %s, stays where it is", v->number, id);
    if (!broker_ack(v->session->broker, message->tag, false, e))
        return false;
    v->hits++;
    text_print(stdout, "replayed %s to %s\n", id[0] ? id : "a message without id", queue);
    return true;
}

static bool drop_one(struct visitor *v, const struct broker_event *message, struct err *e)
{
    if (!is_wanted(v, &message->message))
        return true;
    const char *id = dead_letter_id(&message->message);
    if (!broker_ack(v->session->broker, message->tag, false, e))
        return false;
    v->hits++;
    text_print(stdout, "dropped %s\n", id[0] ? id : "a message without id");
    return true;
}

/* --- the command
 * ------------------------------------------------------------------------------------------ */

static const struct verb {
    const char *name;
    bool wants_id, wants_database;
    bool (*visit)(struct visitor *v, const struct broker_event *message, struct err *e);
} verbs[] = {
    {"list", false, false, list_one},
    {"show", true, false, show_one},
    {"replay", true, true, replay_one},
    {"drop", true, false, drop_one},
};

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int end_of(const struct visitor *v, const struct verb *verb)
{
    if (v->table->count > 0)
        table_print(v->table, stdout);
    if (v->hits == 0 && v->refused == 0 && !v->dead->json)
        text_print(stderr, "meterbeatctl: no %s in the dead-letter queue\n",
                   verb->wants_id && !v->dead->all ? "such message" : "message");
    if (v->refused > 0)
        return CTL_FAILED;
    return v->hits > 0 || !verb->wants_id || v->dead->all ? CTL_OK : CTL_FAILED;
}

static int perform(const struct request *d, const struct verb *verb)
{
    static const char *const titles[] = {">no", "time", "id", "task", "reason", "error"};
    CLEANUP(session_end) struct session session = {.settings = &d->ctl->settings};
    CLEANUP(table_free) struct table table = table_make(titles, ARRAY_LEN(titles));
    struct visitor v = {.dead = d, .session = &session, .table = &table, .visit = verb->visit};
    struct err e;
    if (!session_broker(&session, &e) ||
        (verb->wants_database && !session_database(&session, true, &e)) ||
        !visit_all(&v, verb->wants_id ? UINT32_MAX : (size_t)d->most, &e))
        return ctl_fail(&e);
    return end_of(&v, verb);
}

int dead_run(struct ctl *c, int argc, char **argv)
{
    struct request d = {.ctl = c, .most = 100};
    int status;
    option_parse(c, &usage, &d, argc, argv);
    d.id = c->arguments[1];
    const struct verb *verb = verb_find(c->arguments[0]);
    if (!verb)
        return ctl_misused("dead what? list, show, replay or drop");
    if (verb->wants_id && !d.id != d.all)
        return ctl_misused("dead %s: either an ID or --all", verb->name);
    if (!ctl_settings(c, &status))
        return status;
    return perform(&d, verb);
}
