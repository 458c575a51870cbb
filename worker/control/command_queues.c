/* Remote control: the queues this worker consumes from. */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/control/context.h"
#include "common/amqp/connection.h"
#include "common/amqp/topology.h"

/* --- what there is ------------------------------------------------------------------------- */

static json_t *exchange(const struct subscription *s)
{
    return json_pack("{s:s, s:s, s:n, s:b, s:b, s:b, s:n, s:b}", "name",
                     s->exchange[0] ? s->exchange : s->queue, "type",
                     s->exchange_type[0] ? s->exchange_type : "direct", "arguments", "durable", 1,
                     "passive", 0, "auto_delete", 0, "delivery_mode", "no_declare", 0);
}

/* Celery's picture of a queue; that the broker has other arguments for it cannot be seen from here.
 */
static json_t *describe(const struct subscription *s)
{
    return json_pack(
        "{s:s, s:o, s:s, s:n, s:n, s:n, s:b, s:b, s:b, s:b, s:n, s:[], s:n, s:n, s:n, s:n, s:n, "
        "s:n}",
        "name", s->queue, "exchange", exchange(s), "routing_key",
        s->routing_key[0] ? s->routing_key : s->queue, "queue_arguments", "binding_arguments",
        "consumer_arguments", "durable", 1, "exclusive", 0, "auto_delete", 0, "no_ack", 0, "alias",
        "bindings", "no_declare", "expires", "message_ttl", "max_length", "max_length_bytes",
        "max_priority");
}

json_t *command_active_queues(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    struct subscription wanted[SUBSCRIPTIONS_MAX];
    size_t count = subscriptions_list(p->subscriptions, wanted, SUBSCRIPTIONS_MAX);
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        (void)json_array_append_new(list, describe(&wanted[i]));
    return list;
}

/* --- changing it --------------------------------------------------------------------------- */

static bool copy_text(const json_t *arguments, const char *name, char *out, size_t size)
{
    const char *given = context_text(arguments, name);
    size_t length = given ? strlen(given) : 0;
    if (length >= size)
        return false;
    if (given)
        memcpy(out, given, length + 1);
    return true;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Celery's own queues and exchanges, and the broker's: a work queue among them would be answered
 * with dead letters. */
static bool is_foreign(const struct settings *s, const char *name)
{
    return strstr(name, ".pidbox") || begins(name, "celeryev.") || begins(name, "amq.rabbitmq.") ||
           strcmp(name, s->broker.event_exchange) == 0;
}

static bool check_names(const struct settings *s, const struct subscription *wanted, struct err *e)
{
    if (broker_is_inner_queue(wanted->queue) || is_foreign(s, wanted->queue))
        return err_set(e, ERR_REJECT, "reserved_queue", "queue %s is no work queue", wanted->queue);
    if (is_foreign(s, wanted->exchange))
        return err_set(e, ERR_REJECT, "reserved_exchange", "exchange %s carries no tasks",
                       wanted->exchange);
    return true;
}

static bool same(const struct subscription *a, const struct subscription *b)
{
    return strcmp(a->queue, b->queue) == 0 && strcmp(a->exchange, b->exchange) == 0 &&
           strcmp(a->exchange_type, b->exchange_type) == 0 &&
           strcmp(a->routing_key, b->routing_key) == 0;
}

/* Queues, exchanges and bindings stay on the broker: a stranger is not to have them made without
 * end. What has been made before, or tried, is made again when it is missing. */
static bool count_added(struct control_context *p, const struct subscription *wanted, struct err *e)
{
    size_t most = (size_t)p->settings->worker.max_added_queues;
    for (size_t i = 0; i < p->added_count; i++)
        if (same(&p->added[i], wanted))
            return true;
    if (p->added_count >= most)
        return err_set(e, ERR_REJECT, "too_many_added",
                       "worker.max_added_queues: %zu have been made already", p->added_count);
    if (!p->added && !(p->added = calloc(most, sizeof *p->added)))
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a queue");
    p->added[p->added_count++] = *wanted;
    return true;
}

json_t *command_add_consumer(struct control_context *p, const json_t *arguments)
{
    struct subscription wanted = {0};
    struct err e;
    if (!context_text(arguments, "queue") || !*context_text(arguments, "queue") ||
        !copy_text(arguments, "queue", wanted.queue, SUBSCRIPTIONS_NAME_MAX + 1) ||
        !copy_text(arguments, "exchange", wanted.exchange, sizeof wanted.exchange) ||
        !copy_text(arguments, "exchange_type", wanted.exchange_type, sizeof wanted.exchange_type) ||
        !copy_text(arguments, "routing_key", wanted.routing_key, sizeof wanted.routing_key))
        return context_error(
            "queue must be a text of 1 to %d bytes, exchange and routing_key of at "
            "most 255",
            SUBSCRIPTIONS_NAME_MAX);
    if (!check_names(p->settings, &wanted, &e) || !count_added(p, &wanted, &e) ||
        !p->make_queue(p, &wanted, &e) || !subscriptions_add(p->subscriptions, &wanted, &e)) {
        log_error(LOG_LEVEL_WARNING, "consumer_not_added", &e);
        return context_error("%s: %s", e.code, e.text);
    }
    return context_ok("add consumer %s", wanted.queue);
}

json_t *command_cancel_consumer(struct control_context *p, const json_t *arguments)
{
    const char *queue = context_text(arguments, "queue");
    if (!queue)
        return context_error("queue must be a text");
    (void)subscriptions_cancel(p->subscriptions, queue); /* one that was not is as good */
    return context_ok("no longer consuming from %s", queue);
}
