/* What the commands of remote control work on, and what they share. */
#ifndef METERBEAT_WORKER_CONTROL_CONTEXT_H
#define METERBEAT_WORKER_CONTROL_CONTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "worker/runtime/events.h"
#include "worker/control/revocations.h"
#include "worker/runtime/state.h"
#include "worker/runtime/handover.h"
#include "worker/runtime/subscriptions.h"

/* Control thread only. Everything is borrowed. */
struct control_context {
    const struct settings *settings;
    const char *node;
    struct state *state;
    struct events *events;
    struct handover *handover;
    struct subscriptions *subscriptions;
    struct revocations *revocations; /* NULL: no database, they are kept in memory alone */
    int64_t started_ms;              /* monotonic */
    /* Makes a queue that is to be consumed from, on a connection of its own. */
    bool (*make_queue)(struct control_context *p, const struct subscription *wanted, struct err *e);
    struct subscription *added; /* what add_consumer has had made; NULL: nothing yet */
    size_t added_count;
    /* Out: what the control thread is to do after the command. */
    bool heartbeat, shutdown;
};

/*
 * A command. arguments: an object, with all that the table says it needs. Returns the answer, the
 * caller's: an object with "ok" or "error" where Celery's has; NULL: no memory.
 */
typedef json_t *context_command(struct control_context *p, const json_t *arguments);

/* {"ok": text}, {"error": text}; the text as printf. What is no UTF-8 is shown as "?". */
json_t *context_ok(const char *format, ...) PRINTF_LIKE(1, 2);
json_t *context_error(const char *format, ...) PRINTF_LIKE(1, 2);
/* {"error": "ValueError('text')"}: how Celery answers when a command raises. */
json_t *context_raised(const char *exception, const char *format, ...) PRINTF_LIKE(2, 3);
/* Python's repr of a value for a text, cut; the caller's to free; NULL: no memory. */
char *context_repr(const json_t *value);
/* A text argument, or NULL. */
const char *context_text(const json_t *arguments, const char *name);
/* A flag, as Python would take it. */
bool context_flag(const json_t *arguments, const char *name);
/* An argument that is one text or a list of them, as a new list of the texts, each once; NULL: no
 * memory. */
json_t *context_texts(const json_t *value);
/* What another worker knows to be revoked: a list of ids, or an object by id. Whoever may not
 * revoke is not believed in this either. */
void context_learn_revoked(const struct settings *s, struct state *st, const json_t *revoked);
/* The row of the task table for a name or alias; NULL: there is none. */
const struct task *context_task(const struct control_context *p, const char *name);

/* --- the commands, a file a concern -------------------------------------------------------- */
/* command_worker.c */
context_command command_ping, command_hello, command_heartbeat, command_clock, command_shutdown,
    command_election, command_enable_events, command_disable_events;
/* command_stats.c, command_conf.c */
context_command command_stats, command_conf, command_report;
/* command_tasks.c */
context_command command_active, command_reserved, command_scheduled, command_query_task,
    command_registered;
/* command_revoke.c */
context_command command_revoked, command_revoke, command_terminate, command_revoke_by_stamps;
/* command_limits.c */
context_command command_rate_limit, command_time_limit;
/* command_queues.c */
context_command command_active_queues, command_add_consumer, command_cancel_consumer;
/* command_absent.c: what one process with one task at a time has not */
context_command command_pool_resize, command_pool_restart, command_autoscale, command_objgraph,
    command_memsample, command_memdump;

#endif
