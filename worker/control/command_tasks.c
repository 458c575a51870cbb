/* Remote control: which tasks there are, and which are here. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "worker/control/context.h"
#include "worker/control/task_info.h"
#include "common/base/iso8601.h"

/* Celery's own for what waits for its eta. */
#define ETA_PRIORITY 6
#define IDS_MAX 10000
#define INFO_ITEMS_MAX 20
#define ITEM_TEXT 64 /* at least STATE_RATE_TEXT */

/* --- what is here -------------------------------------------------------------------------- */

static struct task_info_limits info_limits(const struct control_context *p)
{
    return (struct task_info_limits){p->settings, p->node, TASK_INFO_BODIES};
}

static json_t *scheduled_info(const struct state_entry *entry, struct task_info_limits *limits)
{
    char eta[ISO8601_TEXT];
    return json_pack("{s:s, s:i, s:o}", "eta", iso8601_format(entry->since_ms, eta), "priority",
                     ETA_PRIORITY, "request", task_info(entry, limits, false));
}

/* What is not due yet waits for its eta, though the executor may have had no time to see that. */
static void correct_stage(struct state_entry *entry, int64_t now_ms)
{
    const char *eta = json_string_value(json_object_get(entry->delivery->message.headers, "eta"));
    int64_t eta_ms;
    if (entry->stage != DELIVERY_RESERVED || !eta || !iso8601_parse(eta, &eta_ms) ||
        eta_ms <= now_ms)
        return;
    entry->stage = DELIVERY_SCHEDULED;
    entry->since_ms = eta_ms;
}

static struct state_entry *all_entries(struct control_context *p, size_t *ret_count)
{
    int64_t now_ms = clock_wall_ms();
    struct state_entry *entries = state_entries(p->state, DELIVERY_UNKNOWN, ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        correct_stage(&entries[i], now_ms);
    return entries;
}

static json_t *list_stage(struct control_context *p, enum delivery_stage stage, bool safe)
{
    struct task_info_limits limits = info_limits(p);
    size_t count;
    struct state_entry *entries = all_entries(p, &count);
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (entries[i].stage != stage)
            continue;
        json_t *info = stage == DELIVERY_SCHEDULED ? scheduled_info(&entries[i], &limits)
                                                   : task_info(&entries[i], &limits, safe);
        if (json_array_append_new(list, info) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    state_entries_free(entries, count);
    return list;
}

json_t *command_active(struct control_context *p, const json_t *arguments)
{
    return list_stage(p, DELIVERY_ACTIVE, context_flag(arguments, "safe"));
}

json_t *command_reserved(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return list_stage(p, DELIVERY_RESERVED, false);
}

json_t *command_scheduled(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    return list_stage(p, DELIVERY_SCHEDULED, false);
}

static const char *staging_word(enum delivery_stage stage)
{
    return stage == DELIVERY_ACTIVE      ? "active"
           : stage == DELIVERY_SCHEDULED ? "scheduled"
                                         : "reserved";
}

json_t *command_query_task(struct control_context *p, const json_t *arguments)
{
    struct task_info_limits limits = info_limits(p);
    char id[256];
    size_t count, i;
    const json_t *wanted;
    json_t *ids = context_texts(json_object_get(arguments, "ids")), *set = json_object();
    struct state_entry *entries = all_entries(p, &count);
    json_t *found = json_object();
    json_array_foreach(ids, i, wanted) {
        if (i < IDS_MAX)
            (void)json_object_set_new(set, json_string_value(wanted), json_true());
    }
    for (i = 0; found && set && i < count; i++) {
        task_info_id(&entries[i], &limits, id);
        if (json_object_get(set, id))
            (void)json_object_set_new(found, id,
                                      json_pack("[s, o]", staging_word(entries[i].stage),
                                                task_info(&entries[i], &limits, false)));
    }
    state_entries_free(entries, count);
    json_decref(ids);
    json_decref(set);
    return found;
}

/* --- which there are ----------------------------------------------------------------------- */

/* One attribute of a task as text; false: it has none of that name, or no value. */
static bool attribute(const struct control_context *p, const struct task *task, const char *item,
                      char text[ITEM_TEXT])
{
    double soft_s, hard_s;
    state_limits(p->state, task, &soft_s, &hard_s);
    text[0] = '\0';
    if (strcmp(item, "name") == 0)
        snprintf(text, ITEM_TEXT, "%s", task->name);
    else if (strcmp(item, "rate_limit") == 0)
        state_rate_text(p->state, task, text);
    else if (strcmp(item, "time_limit") == 0 && hard_s > 0)
        snprintf(text, ITEM_TEXT, "%g", hard_s);
    else if (strcmp(item, "soft_time_limit") == 0 && soft_s > 0)
        snprintf(text, ITEM_TEXT, "%g", soft_s);
    else if (strcmp(item, "max_retries") == 0)
        snprintf(text, ITEM_TEXT, "%zu", p->settings->worker.retry_delays);
    else if (strcmp(item, "acks_late") == 0)
        snprintf(text, ITEM_TEXT, "True");
    return text[0] != '\0';
}

/* "parse [rate_limit=10/m]" */
static json_t *describe(const struct control_context *p, const char *name, const json_t *items)
{
    char line[1024], text[ITEM_TEXT];
    const struct task *task = context_task(p, name);
    size_t used = (size_t)snprintf(line, sizeof line, "%.300s", name), start = used, i;
    const json_t *item;
    json_array_foreach((json_t *)items, i, item) {
        const char *word = json_string_value(item);
        if (i < INFO_ITEMS_MAX && word && task && attribute(p, task, word, text) &&
            used + strlen(word) + strlen(text) + 4 < sizeof line)
            used += (size_t)snprintf(line + used, sizeof line - used, "%s%s=%s",
                                     used == start ? " [" : " ", word, text);
    }
    if (used > start)
        snprintf(line + used, sizeof line - used, "]");
    json_t *made = json_string(line);
    return made ? made : json_string("(not UTF-8)");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the task table and the aliases, sorted. */
static size_t list_names(const struct settings *s, const char **names, size_t most)
{
    size_t count, n = 0;
    const struct task *tasks = task_table(&count);
    for (size_t i = 0; i < count && n < most; i++)
        names[n++] = tasks[i].name;
    for (size_t i = 0; i < s->worker.aliases_count && n < most; i++)
        names[n++] = s->worker.aliases[i].name;
    qsort(names, n, sizeof *names, by_text);
    return n;
}

json_t *command_registered(struct control_context *p, const json_t *arguments)
{
    const char *names[SETTINGS_MAX_ALIASES + 64];
    size_t count = list_names(p->settings, names, ARRAY_LEN(names));
    const json_t *given = json_object_get(arguments, "taskinfoitems");
    json_t *items =
        json_array_size(given) > 0 ? json_incref((json_t *)given) : json_pack("[s]", "rate_limit");
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        (void)json_array_append_new(list, describe(p, names[i], items));
    json_decref(items);
    return list;
}
