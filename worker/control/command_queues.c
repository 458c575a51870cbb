/* Remote control: the queues this worker consumes from. */
#include <string.h>

#include "base/log.h"
#include "control/panel.h"

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

json_t *command_active_queues(struct panel *p, const json_t *arguments)
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
    const char *given = panel_text(arguments, name);
    size_t length = given ? strlen(given) : 0;
    if (length >= size)
        return false;
    if (given)
        memcpy(out, given, length + 1);
    return true;
}

json_t *command_add_consumer(struct panel *p, const json_t *arguments)
{
    struct subscription wanted = {0};
    struct err e;
    if (!panel_text(arguments, "queue") || !*panel_text(arguments, "queue") ||
        !copy_text(arguments, "queue", wanted.queue, SUBSCRIPTIONS_NAME_MAX + 1) ||
        !copy_text(arguments, "exchange", wanted.exchange, sizeof wanted.exchange) ||
        !copy_text(arguments, "exchange_type", wanted.exchange_type, sizeof wanted.exchange_type) ||
        !copy_text(arguments, "routing_key", wanted.routing_key, sizeof wanted.routing_key))
        return panel_error("queue must be a text of 1 to %d bytes, exchange and routing_key of at "
                           "most 255",
                           SUBSCRIPTIONS_NAME_MAX);
    if (!p->make_queue(p, &wanted, &e) || !subscriptions_add(p->subscriptions, &wanted, &e)) {
        log_error(LOG_LEVEL_WARNING, "consumer_not_added", &e);
        return panel_error("%s: %s", e.code, e.text);
    }
    return panel_ok("add consumer %s", wanted.queue);
}

json_t *command_cancel_consumer(struct panel *p, const json_t *arguments)
{
    const char *queue = panel_text(arguments, "queue");
    if (!queue)
        return panel_error("queue must be a text");
    (void)subscriptions_cancel(p->subscriptions, queue); /* one that was not is as good */
    return panel_ok("no longer consuming from %s", queue);
}
