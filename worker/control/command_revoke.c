/* Remote control: tasks that are not to run, or not to go on. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/control/context.h"
#include "worker/runtime/stamps.h"
#include "worker/control/task_info.h"

/* Long enough for a database that is there; the client waits a second in all. */
#define SAVE_WAIT_MS 400

json_t *command_revoked(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return state_revoked(p->state);
}

/* --- texts --------------------------------------------------------------------------------- */

/* Python's repr of a set of texts: {'a', 'b'}, cut. */
static char *set_repr(const json_t *ids)
{
    char *list = context_repr(ids);
    size_t length = list ? strlen(list) : 0;
    if (length > 2 && list[0] == '[') {
        list[0] = '{';
        if (list[length - 1] == ']')
            list[length - 1] = '}';
    } else if (list) {
        free(list);
        list = strdup("set()");
    }
    return list;
}

/* "a, b", cut; into text. */
static const char *join(const json_t *ids, char *text, size_t size)
{
    size_t i, used = 0;
    const json_t *id;
    text[0] = '\0';
    json_array_foreach((json_t *)ids, i, id) {
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                     json_string_value(id));
    }
    return text;
}

/* A signal's name or number, as the client may send it: what it would be called is all we need. A
 * task is stopped at its next safe point, whatever the signal. */
static bool knows_signal(const json_t *signal_name)
{
    char name[32] = "";
    const char *given = json_string_value(signal_name);
    if (!signal_name || json_is_null(signal_name))
        return true;
    if (json_is_integer(signal_name))
        return json_integer_value(signal_name) > 0 && json_integer_value(signal_name) < NSIG;
    for (size_t i = 0; given && given[i] && i < sizeof name - 1; i++)
        name[i] = (char)toupper((unsigned char)given[i]);
    const char *bare = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known && strcmp(known, bare) == 0)
            return true;
    }
    return false;
}

static json_t *refuse_signal(const json_t *signal_name)
{
    char name[32] = "";
    const char *given = json_string_value(signal_name);
    for (size_t i = 0; given && given[i] && i < sizeof name - 1; i++)
        name[i] = (char)toupper((unsigned char)given[i]);
    return context_raised("AttributeError", "module 'signal' has no attribute 'SIG%s'", name);
}

/* --- by id --------------------------------------------------------------------------------- */

/* Those that can be ids, which are remembered from now on. */
static json_t *remember(struct control_context *p, const json_t *ids)
{
    size_t i;
    const json_t *id;
    json_t *known = json_array();
    json_array_foreach((json_t *)ids, i, id) {
        const char *text = json_string_value(id); /* without what may come behind a NUL */
        if (state_revoke(p->state, text, NULL))
            (void)json_array_append_new(known, json_string(text));
        else
            log_event(LOG_LEVEL_WARNING, "not_revoked", "reason=no_id");
    }
    return known;
}

/* If the database is there, they are saved before anybody is told. */
static void flag_revoked(struct control_context *p, const json_t *ids)
{
    char text[512];
    json_t *known = remember(p, ids);
    if (p->revocations && json_array_size(known) > 0) {
        revocations_save(p->revocations, known);
        if (!revocations_await(p->revocations, SAVE_WAIT_MS))
            log_event(LOG_LEVEL_WARNING, "revoked_not_saved_yet", "%s", "");
    }
    log_event(LOG_LEVEL_INFO, "tasks_revoked", "count=%zu ids=%s", json_array_size(known),
              join(known, text, sizeof text));
    json_decref(known);
}

/* Those of the ids whose tasks are here; the one that runs is told to stop. */
static json_t *terminate_known(struct control_context *p, const json_t *ids)
{
    struct task_info_limits limits = {p->settings, p->node, TASK_INFO_BODIES};
    char id[256];
    size_t count, i;
    const json_t *wanted;
    struct state_entry *entries = state_entries(p->state, DELIVERY_UNKNOWN, &count);
    json_t *here = json_object(), *known = json_array();
    for (i = 0; here && i < count; i++) {
        task_info_id(&entries[i], &limits, id);
        (void)json_object_set_new(here, id, json_true());
    }
    state_entries_free(entries, count);
    json_array_foreach((json_t *)ids, i, wanted) {
        if (!json_object_get(here, json_string_value(wanted)))
            continue;
        (void)json_array_append(known, (json_t *)wanted);
        if (state_terminate(p->state, json_string_value(wanted)))
            log_event(LOG_LEVEL_WARNING, "task_terminated", "by=remote_control");
    }
    json_decref(here);
    return known;
}

static json_t *answer_terminated(const json_t *known)
{
    char text[2048];
    if (json_array_size(known) == 0)
        return context_ok("terminate: tasks unknown");
    return context_ok("terminate: %s", join(known, text, sizeof text));
}

static json_t *revoke_ids(struct control_context *p, const json_t *ids, bool terminate)
{
    flag_revoked(p, ids);
    if (terminate) {
        json_t *known = terminate_known(p, ids);
        json_t *answer = answer_terminated(known);
        json_decref(known);
        return answer;
    }
    char *repr = set_repr(ids);
    json_t *answer = context_ok("tasks %s flagged as revoked", repr ? repr : "");
    free(repr);
    return answer;
}

static json_t *revoke_or_terminate(struct control_context *p, const json_t *arguments,
                                   bool terminate)
{
    const json_t *signal_name = json_object_get(arguments, "signal");
    if (terminate && !knows_signal(signal_name))
        return refuse_signal(signal_name);
    json_t *ids = context_texts(json_object_get(arguments, "task_id"));
    json_t *answer = ids ? revoke_ids(p, ids, terminate) : NULL;
    json_decref(ids);
    return answer;
}

json_t *command_revoke(struct control_context *p, const json_t *arguments)
{
    return revoke_or_terminate(p, arguments, context_flag(arguments, "terminate"));
}

json_t *command_terminate(struct control_context *p, const json_t *arguments)
{
    return revoke_or_terminate(p, arguments, true);
}

/* --- by stamp ------------------------------------------------------------------------------ */

/* An object, or a list of texts "header=stamp", made an object; NULL: neither. */
static json_t *stamps_argument(const json_t *headers)
{
    if (json_is_object(headers))
        return json_incref((json_t *)headers);
    json_t *stamps = json_is_array(headers) ? json_object() : NULL;
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)headers, i, one) {
        const char *text = json_string_value(one), *equals = text ? strchr(text, '=') : NULL;
        size_t stamp = equals ? strcspn(equals + 1, "=") : 0;
        if (!stamps || !equals ||
            json_object_setn_new(stamps, text, (size_t)(equals - text),
                                 json_stringn(equals + 1, stamp)) != 0) {
            json_decref(stamps);
            return NULL;
        }
    }
    return stamps;
}

/* {header: stamps}: what the running task carries of them; it is told to stop. */
static json_t *terminate_stamped(struct control_context *p, const json_t *stamps)
{
    struct task_info_limits limits = {p->settings, p->node, TASK_INFO_BODIES};
    size_t count;
    const char *name;
    const json_t *wanted;
    json_t *found = json_object();
    struct state_entry *entries = state_entries(p->state, DELIVERY_ACTIVE, &count);
    for (size_t i = 0; i < count; i++) {
        char id[256];
        const json_t *carried = json_object_get(entries[i].delivery->message.headers, "stamps");
        task_info_id(&entries[i], &limits, id);
        json_object_foreach((json_t *)stamps, name, wanted) {
            json_t *common = stamps_common(json_object_get(carried, name), wanted);
            if (common && json_object_set_new(found, name, common) == 0)
                (void)state_terminate(p->state, id);
        }
    }
    state_entries_free(entries, count);
    return found;
}

static json_t *answer_stamped(struct control_context *p, const json_t *stamps, bool terminate)
{
    json_t *found = terminate ? terminate_stamped(p, stamps) : NULL;
    bool any = json_object_size(found) > 0;
    char *repr = context_repr(any ? found : stamps);
    json_t *answer = context_ok("headers %s %s", repr ? repr : "",
                                any         ? "revoked"
                                : terminate ? "were not terminated"
                                            : "flagged as revoked, but not terminated");
    json_decref(found);
    free(repr);
    return answer;
}

json_t *command_revoke_by_stamps(struct control_context *p, const json_t *arguments)
{
    const json_t *signal_name = json_object_get(arguments, "signal");
    if (!knows_signal(signal_name))
        return refuse_signal(signal_name);
    json_t *stamps = stamps_argument(json_object_get(arguments, "headers"));
    if (!stamps)
        return context_raised("ValueError", "headers must be a mapping or a list of header=stamp");
    json_t *answer = state_revoke_stamps(p->state, stamps)
                         ? answer_stamped(p, stamps, context_flag(arguments, "terminate"))
                         : context_error("more than %d stamps", STAMPS_MAX);
    json_decref(stamps);
    return answer;
}
