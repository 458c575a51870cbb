/* Remote control: the worker itself. */
#include <string.h>

#include "common/base/log.h"
#include "worker/control/context.h"

json_t *command_ping(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return context_ok("pong");
}

json_t *command_clock(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return json_pack("{s:I}", "clock", (json_int_t)state_clock(p->state));
}

json_t *command_heartbeat(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    p->heartbeat = true;
    return json_null();
}

/* Gossip of Celery's workers about who does something; ours take no part. */
json_t *command_election(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return json_null();
}

/* As SIGTERM: what runs is finished. Celery's workers do not answer either. */
json_t *command_shutdown(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    p->shutdown = true;
    return json_null();
}

/* A worker that starts tells what it knows and learns what we know. */
json_t *command_hello(struct control_context *p, const json_t *arguments)
{
    const char *from = context_text(arguments, "from_node");
    if (from && strcmp(from, p->node) == 0)
        return json_null();
    context_learn_revoked(p->settings, p->state, json_object_get(arguments, "revoked"));
    return json_pack("{s:o, s:I}", "revoked", state_revoked(p->state), "clock",
                     (json_int_t)state_clock_tick(p->state));
}

static json_t *turn_events(struct control_context *p, bool on)
{
    bool was_on = events_turn(p->events, on);
    if (was_on != on)
        log_event(LOG_LEVEL_INFO, "task_events", "on=%s by=remote_control", on ? "true" : "false");
    return context_ok("task events %s%s", was_on == on ? "already " : "",
                      on ? "enabled" : "disabled");
}

json_t *command_enable_events(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return turn_events(p, true);
}

json_t *command_disable_events(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return turn_events(p, false);
}
