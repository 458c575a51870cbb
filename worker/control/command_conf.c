/* Remote control: the settings in force, under Celery's names where it has one for the same thing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/base/buf.h"
#include "common/config/settings_table.h"
#include "common/config/redacted.h"
#include "worker/control/context.h"
#include "common/amqp/rabbitmq.h"

#define REPORT_MAX 65536

/* --- values -------------------------------------------------------------------------------- */

static json_t *delays(const struct settings *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->worker.retry_delays; i++)
        (void)json_array_append_new(list, json_integer(s->worker.retry_delays_s[i]));
    return list;
}

static json_t *aliases(const struct settings *s)
{
    json_t *object = json_object();
    for (size_t i = 0; i < s->worker.aliases_count; i++)
        (void)json_object_set_new(object, s->worker.aliases[i].name,
                                  json_string(s->worker.aliases[i].task));
    return object;
}

/* As --show-config has them. */
static json_t *value_of(const struct settings *s, const struct setting *row)
{
    const void *field = (const char *)s + row->offset;
    char shown[SETTING_REDACTED];
    json_t *text;
    switch (row->type) {
    case SETTING_INT:
        return json_integer(*(const int64_t *)field);
    case SETTING_BOOL:
        return json_boolean(*(const bool *)field);
    case SETTING_DELAYS:
        return delays(s);
    case SETTING_ALIASES:
        return aliases(s);
    case SETTING_SCHEDULE:
        return json_integer((json_int_t)s->entries_count);
    default:
        text = json_string(setting_redacted(row, *(const char *const *)field, shown));
        return text ? text : json_string("(not UTF-8)");
    }
}

/* --- names --------------------------------------------------------------------------------- */

static const struct {
    const char *celery, *path;
} same[] = {
    {"timezone", "timezone"},
    {"broker_url", "broker.url"},
    {"broker_heartbeat", "broker.heartbeat_s"},
    {"broker_connection_timeout", "broker.connect_timeout_s"},
    {"control_exchange", "broker.control_exchange"},
    {"event_exchange", "broker.event_exchange"},
    {"task_default_queue", "broker.queue"},
    {"task_default_queue_type", "broker.queue_type"},
    {"task_queue_max_priority", "broker.queue_max_priority"},
    {"task_serializer", "producer.serializer"},
    {"task_time_limit", "worker.task_time_limit_s"},
    {"worker_prefetch_multiplier", "worker.prefetch"},
    {"worker_send_task_events", "worker.task_events"},
};

/* What Celery can be set to and this worker is, always. */
static json_t *constants(const struct settings *s)
{
    return json_pack("{s:[s, s], s:b, s:i, s:b, s:b, s:s, s:b}", "accept_content", "json",
                     "msgpack", "enable_utc", 1, "worker_concurrency", 1, "task_acks_late", 1,
                     "task_create_missing_queues", 1, "result_backend", "rpc://",
                     "worker_enable_remote_control", strcmp(s->worker.remote_control, "off") != 0);
}

static json_t *table(const struct settings *s, bool all)
{
    json_t *conf = constants(s);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const struct setting *row =
            setting_find(settings_table, settings_table_count, same[i].path);
        if (row)
            (void)json_object_set_new(conf, same[i].celery, value_of(s, row));
    }
    for (size_t i = 0; all && i < settings_table_count; i++) {
        char name[128];
        snprintf(name, sizeof name, "meterbeat.%s", settings_table[i].path);
        (void)json_object_set_new(conf, name, value_of(s, &settings_table[i]));
    }
    return conf;
}

json_t *command_conf(struct control_context *p, const json_t *arguments)
{
    return table(p->settings, context_flag(arguments, "with_defaults"));
}

/* --- the report ---------------------------------------------------------------------------- */

static bool print_settings(const json_t *conf, struct buf *out, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)conf, name, value) {
        char *repr = context_repr(value);
        bool printed = repr && buf_printf(out, e, "%s: %s\n", name, repr);
        free(repr);
        if (!printed)
            return false;
    }
    return true;
}

json_t *command_report(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    struct err e;
    struct utsname machine = {0};
    struct buf out CLEANUP(buf_free) = buf_make(REPORT_MAX);
    json_t *conf = table(p->settings, false), *report = NULL;
    (void)uname(&machine); /* "" then */
    if (buf_printf(&out, &e,
                   "\nsoftware -> meterbeat:%s librabbitmq:%s jansson:%s\n"
                   "platform -> system:%s arch:%s\n"
                   "            kernel version:%s\n"
                   "settings -> transport:amqp results:rpc://\n\n",
                   METERBEAT_VERSION, amqp_version(), JANSSON_VERSION, machine.sysname,
                   machine.machine, machine.release) &&
        print_settings(conf, &out, &e))
        report = json_pack("{s:s}", "ok", out.data);
    json_decref(conf);
    return report;
}
