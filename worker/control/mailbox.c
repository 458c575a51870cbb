/* This worker's mailbox on the broker: what it is declared as, and what goes in and out of it. */
#include "worker/control/mailbox.h"

#include <string.h>

#include "common/base/log.h"
#include "common/celery/delayed_delivery.h"
#include "common/amqp/topology.h"

/* kombu's, so that either side may come first; the queue is nobody else's to declare. */
#define QUEUE_TTL_MS 300000
#define QUEUE_EXPIRES_MS 10000

void mailbox_make(const struct settings *s, const char *node, struct mailbox *ret_mailbox)
{
    struct mailbox *m = ret_mailbox;
    *m = (struct mailbox){.settings = s, .node = node};
    snprintf(m->exchange, sizeof m->exchange, "%s.pidbox", s->broker.control_exchange);
    snprintf(m->reply_exchange, sizeof m->reply_exchange, "reply.%s.pidbox",
             s->broker.control_exchange);
    snprintf(m->queue, sizeof m->queue, "%s.%s.pidbox", node, s->broker.control_exchange);
}

/* --- declaring ----------------------------------------------------------------------------- */

static bool declare_queue(struct mailbox *m, struct broker *b, struct err *e)
{
    json_t *arguments =
        json_pack("{s:i, s:i}", "x-message-ttl", QUEUE_TTL_MS, "x-expires", QUEUE_EXPIRES_MS);
    bool declared = arguments ? broker_declare_own_queue(b, m->queue, arguments, e)
                              : err_set(e, ERR_RETRY, "no_memory", "no memory for a queue");
    json_decref(arguments);
    return declared;
}

bool mailbox_open(struct mailbox *m, struct broker *b, struct err *e)
{
    uuid4_random(m->ticket);
    if (!broker_declare_exchange(b, m->settings->broker.event_exchange, "topic", true, e))
        return false;
    if (strcmp(m->settings->worker.remote_control, "off") == 0)
        return true;
    /* requests, and the answers to our own: the exchange tells which is which */
    return broker_declare_exchange(b, m->exchange, "fanout", false, e) &&
           broker_declare_exchange(b, m->reply_exchange, "direct", false, e) &&
           declare_queue(m, b, e) && broker_bind(b, m->queue, m->exchange, "", e) &&
           broker_bind(b, m->queue, m->reply_exchange, m->ticket, e) &&
           broker_consume_unacknowledged(b, m->queue, m->node, e);
}

bool mailbox_make_queue(struct control_context *p, const struct subscription *wanted, struct err *e)
{
    const char *queue = wanted->queue, *exchange = wanted->exchange;
    const char *type = wanted->exchange_type[0] ? wanted->exchange_type : "direct";
    const char *key = wanted->routing_key[0] ? wanted->routing_key : queue;
    struct broker *b = NULL;
    if (!broker_open(p->settings, p->node, &b, e))
        return false;
    const char *delayed = p->settings->broker.delayed_delivery;
    bool made = broker_declare_work(b, p->settings, queue, NULL, e) &&
                (strcmp(delayed, "off") == 0 || delayed_delivery_declare(b, queue, delayed, e)) &&
                (!exchange[0] || (broker_declare_exchange(b, exchange, type, true, e) &&
                                  broker_bind(b, queue, exchange, key, e)));
    broker_close(b);
    return made;
}

/* --- sending ------------------------------------------------------------------------------- */

static bool send_envelope(struct broker *b, const char *exchange, const char *routing_key,
                          struct message *v, struct err *e)
{
    bool sent = broker_send(b, exchange, routing_key, v, e);
    message_free(v);
    return sent;
}

/* What is in it keeps it from being sent: that is no reason to give the connection up. */
static bool forget(const char *event, const struct err *e)
{
    if (broker_is_lost(e))
        return false;
    log_error(LOG_LEVEL_WARNING, event, e);
    return true;
}

bool mailbox_reply(struct mailbox *m, struct broker *b, const struct pidbox_request *request,
                   json_t *answer, int64_t clock, struct err *e)
{
    struct message v = {.priority = -1};
    /* the default exchange leads to every queue, with the rights of our user; and publishing to one
     * that is not there would close the channel, and with it the mailbox */
    if (strcmp(request->exchange, m->reply_exchange) != 0) {
        log_event(LOG_LEVEL_WARNING, "reply_not_sent", "exchange=%s", request->exchange);
        json_decref(answer);
        return true;
    }
    return (pidbox_reply(request, m->node, answer, clock, &v, e) &&
            send_envelope(b, request->exchange, request->routing_key, &v, e)) ||
           forget("reply_not_sent", e);
}

bool mailbox_send_events(struct mailbox *m, struct broker *b, json_t *events, const char *type,
                         struct err *e)
{
    struct message v = {.priority = -1};
    char key[64];
    size_t i = 0;
    for (; i < sizeof key - 1 && type[i]; i++)
        key[i] = (char)(type[i] == '-' ? '.' : type[i]);
    key[i] = '\0';
    return (pidbox_message(&codec_json, events, json_pack("{s:s}", "hostname", m->node), &v, e) &&
            send_envelope(b, m->settings->broker.event_exchange, key, &v, e)) ||
           forget("event_not_sent", e);
}

/* --- other workers ------------------------------------------------------------------------- */

bool mailbox_mingle(struct mailbox *m, struct broker *b, struct state *st, struct err *e)
{
    struct message v = {.priority = -1};
    if (strcmp(m->settings->worker.remote_control, "off") == 0)
        return true;
    json_t *arguments = json_pack("{s:s, s:o}", "from_node", m->node, "revoked", state_revoked(st));
    return pidbox_ask("hello", arguments, m->reply_exchange, m->ticket, state_clock_tick(st), &v,
                      e) &&
           send_envelope(b, m->exchange, "", &v, e);
}

bool mailbox_take_reply(const struct mailbox *m, const struct broker_event *event, struct state *st)
{
    if (strcmp(event->exchange, m->reply_exchange) != 0)
        return false;
    int64_t clock = 0;
    const char *node;
    const json_t *answer;
    json_t *answers = pidbox_read_reply(&event->message, m->ticket, &clock);
    json_object_foreach(answers, node, answer) {
        if (strcmp(node, m->node) == 0 || !json_is_object(answer))
            continue;
        state_clock_hear(st, json_integer_value(json_object_get(answer, "clock")));
        context_learn_revoked(m->settings, st, json_object_get(answer, "revoked"));
        log_event(LOG_LEVEL_DEBUG, "hello_answered", "%s", "");
    }
    state_clock_hear(st, clock);
    json_decref(answers);
    return true;
}
