/* The table of remote control's commands: adding one is a function and a line. */
#include "worker/control/command_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

#define NAMES_MAX 4

/* The names are Celery's, and so is what it says when an argument is missing or too many. */
struct command {
    const char *name;
    context_command *answer;
    const char *needed[NAMES_MAX];  /* without one of them: TypeError */
    bool strict;                    /* takes no argument that is not listed */
    bool changes;                   /* something: only worker.remote_control = "all" takes it */
    const char *allowed[NAMES_MAX]; /* of a strict one, beside the needed */
};

static const struct command commands[] = {
    {.name = "ping", .answer = command_ping},
    {.name = "hello", .answer = command_hello, .needed = {"from_node"}},
    {.name = "heartbeat", .answer = command_heartbeat, .strict = true},
    {.name = "clock", .answer = command_clock},
    {.name = "election", .answer = command_election, .needed = {"id", "topic"}},
    {.name = "shutdown", .answer = command_shutdown, .changes = true},
    {.name = "enable_events", .answer = command_enable_events, .changes = true, .strict = true},
    {.name = "disable_events", .answer = command_disable_events, .changes = true, .strict = true},
    {.name = "report", .answer = command_report, .strict = true},
    {.name = "conf", .answer = command_conf},
    {.name = "dump_conf", .answer = command_conf},
    {.name = "stats", .answer = command_stats},
    {.name = "active", .answer = command_active},
    {.name = "dump_active", .answer = command_active},
    {.name = "reserved", .answer = command_reserved},
    {.name = "dump_reserved", .answer = command_reserved},
    {.name = "scheduled", .answer = command_scheduled},
    {.name = "dump_schedule", .answer = command_scheduled},
    {.name = "query_task", .answer = command_query_task, .needed = {"ids"}},
    {.name = "registered", .answer = command_registered},
    {.name = "dump_tasks", .answer = command_registered},
    {.name = "revoked", .answer = command_revoked},
    {.name = "dump_revoked", .answer = command_revoked},
    {.name = "revoke", .answer = command_revoke, .changes = true, .needed = {"task_id"}},
    {.name = "terminate",
     .answer = command_terminate,
     .changes = true,
     .needed = {"signal", "task_id"}},
    {.name = "revoke_by_stamped_headers",
     .answer = command_revoke_by_stamps,
     .changes = true,
     .needed = {"headers"}},
    {.name = "rate_limit",
     .answer = command_rate_limit,
     .changes = true,
     .needed = {"task_name", "rate_limit"}},
    {.name = "time_limit", .answer = command_time_limit, .changes = true},
    {.name = "active_queues", .answer = command_active_queues, .strict = true},
    {.name = "add_consumer", .answer = command_add_consumer, .changes = true, .needed = {"queue"}},
    {.name = "cancel_consumer",
     .answer = command_cancel_consumer,
     .changes = true,
     .needed = {"queue"}},
    {.name = "pool_grow", .answer = command_pool_resize, .changes = true},
    {.name = "pool_shrink", .answer = command_pool_resize, .changes = true},
    {.name = "pool_restart", .answer = command_pool_restart, .changes = true},
    {.name = "autoscale",
     .answer = command_autoscale,
     .changes = true,
     .strict = true,
     .allowed = {"max", "min"}},
    {.name = "objgraph",
     .answer = command_objgraph,
     .strict = true,
     .allowed = {"num", "max_depth", "type"}},
    {.name = "memsample", .answer = command_memsample},
    {.name = "memdump", .answer = command_memdump},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* --- arguments that do not fit ------------------------------------------------------------- */

/* 'a'   'a' and 'b'   'a', 'b', and 'c' */
static void list_missing(const char *const *missing, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const char *between = i == 0 ? "" : i + 1 < count ? ", " : count == 2 ? " and " : ", and ";
        used += (size_t)snprintf(text + used, size - used, "%s'%s'", between, missing[i]);
    }
}

static json_t *refuse_missing(const struct command *c, const json_t *arguments)
{
    const char *missing[NAMES_MAX];
    char names[200];
    size_t count = 0;
    for (size_t i = 0; i < NAMES_MAX && c->needed[i]; i++)
        if (!json_object_get(arguments, c->needed[i]))
            missing[count++] = c->needed[i];
    if (count == 0)
        return NULL;
    list_missing(missing, count, names, sizeof names);
    return context_raised("TypeError", "%s() missing %zu required positional argument%s: %s",
                          c->name, count, count > 1 ? "s" : "", names);
}

static bool is_among(const char *const names[NAMES_MAX], const char *name)
{
    for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static json_t *refuse_extra(const struct command *c, const json_t *arguments)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)arguments, name, value) {
        if (c->strict && !is_among(c->needed, name) && !is_among(c->allowed, name))
            return context_raised("TypeError", "%s() got an unexpected keyword argument '%.200s'",
                                  c->name, name);
    }
    return NULL;
}

json_t *commands_answer(struct control_context *p, const char *method, const json_t *arguments)
{
    const struct command *c = find(method);
    if (!c)
        return context_raised("KeyError", "%.200s", method);
    if (c->changes && strcmp(p->settings->worker.remote_control, "all") != 0) {
        log_event(LOG_LEVEL_WARNING, "control_closed", "method=%s", method);
        return context_error("%s is closed here: worker.remote_control is \"%s\"", c->name,
                             p->settings->worker.remote_control);
    }
    if (arguments && !json_is_object(arguments))
        return context_raised("TypeError", "the arguments of %s must be a mapping", c->name);
    json_t *none = json_object();
    const json_t *given = arguments ? arguments : none;
    json_t *answer = refuse_extra(c, given);
    if (!answer)
        answer = refuse_missing(c, given);
    if (!answer && given)
        answer = c->answer(p, given);
    json_decref(none);
    return answer;
}
