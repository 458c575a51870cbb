/* What about the queues could lose a message or stop a worker: for `check` and `status`. */
#include "ctl/queue_findings.h"

#include <string.h>

#include "ctl/management.h"

#define FINDING_MAX 512
/* What RabbitMQ gives every quorum queue that names no limit. */
#define LIMIT_SINCE 4
#define LIMIT_DEFAULT 20

__attribute__((format(printf, 3, 4))) static bool add(json_t *findings, struct err *e,
                                                      const char *format, ...)
{
    char text[FINDING_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return json_array_append_new(findings, json_string(text)) == 0 ||
           err_set(e, ERR_RETRY, "no_memory", "no memory");
}

/* --- what the management API knows ---------------------------------------------------------- */

/* An argument of the queue ("x-max-length"), or the policy's word for it; NULL: neither says. */
static const json_t *told(const json_t *queue, const char *argument)
{
    const json_t *own = json_object_get(json_object_get(queue, "arguments"), argument);
    const json_t *policy =
        json_object_get(json_object_get(queue, "effective_policy_definition"), argument + 2);
    /* of two numbers RabbitMQ goes by the smaller */
    if (json_is_integer(own) && json_is_integer(policy) &&
        json_integer_value(policy) < json_integer_value(own))
        return policy;
    return own ? own : policy;
}

static bool is_full(const json_t *queue, const char *argument, const char *amount)
{
    const json_t *most = told(queue, argument);
    return json_is_integer(most) &&
           json_integer_value(json_object_get(queue, amount)) >= json_integer_value(most);
}

static bool find_full(const json_t *queue, const char *name, const char *meaning, json_t *findings,
                      struct err *e)
{
    if (!is_full(queue, "x-max-length", "messages_ready") &&
        !is_full(queue, "x-max-length-bytes", "message_bytes_ready"))
        return true;
    return add(findings, e, "queue %s is full (%lld messages): %s", name,
               (long long)json_integer_value(json_object_get(queue, "messages_ready")), meaning);
}

/* At -1 there is none. */
static int64_t delivery_limit(const json_t *queue, int major)
{
    const json_t *limit = told(queue, "x-delivery-limit");
    const char *type = json_string_value(json_object_get(queue, "type"));
    if (!type || strcmp(type, "quorum") != 0)
        return -1;
    if (json_is_integer(limit))
        return json_integer_value(limit);
    return major >= LIMIT_SINCE ? LIMIT_DEFAULT : -1;
}

static bool find_limit(const json_t *queue, const char *name, const char *dead, int major,
                       json_t *findings, struct err *e)
{
    int64_t limit = delivery_limit(queue, major);
    if (limit < 0 || told(queue, "x-dead-letter-exchange"))
        return true;
    return add(findings, e,
               "queue %s drops a message that came back %lld times, and has no dead-letter "
               "exchange: set a policy with dead-letter-exchange \"\", dead-letter-routing-key "
               "\"%s\", dead-letter-strategy at-least-once, overflow reject-publish "
               "(docs/queues.md)",
               name, (long long)limit, dead);
}

/* --- what AMQP alone tells ------------------------------------------------------------------ */

static bool find_limit_without_management(struct session *s, const char *name, json_t *findings,
                                          struct err *e)
{
    bool bare;
    if (broker_server_major(s->broker) < LIMIT_SINCE)
        return true;
    if (!broker_is_bare_quorum_queue(s->broker, name, &bare, e))
        return false;
    return !bare ||
           add(findings, e,
               "queue %s drops a message that came back %d times, unless a policy gives it "
               "a dead-letter exchange (docs/queues.md; broker.management_url would tell)",
               name, LIMIT_DEFAULT);
}

static bool find_unsafe_retry_queue(struct session *s, int64_t delay_s, json_t *findings,
                                    struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    enum retry_queue_kind kind;
    const char *queue = s->settings->broker.queue;
    broker_retry_queue(queue, delay_s, name);
    if (!broker_compare_retry_queue(s->broker, queue, delay_s, &kind, e))
        return false;
    if (kind == RETRY_QUEUE_CLASSIC)
        return add(findings, e,
                   "queue %s is a classic one of an older version: a worker replaces it once it is "
                   "empty; until then a killed RabbitMQ may lose what it holds",
                   name);
    return kind != RETRY_QUEUE_FOREIGN ||
           add(findings, e,
               "queue %s was made with arguments of its own: whether it survives a killed RabbitMQ "
               "is not known",
               name);
}

/* --- all ------------------------------------------------------------------------------------ */

static bool find_in_work_queue(struct session *s, const char *dead, json_t *findings, struct err *e)
{
    const char *name = s->settings->broker.queue;
    json_t *queue = management_queue(s->settings, name);
    bool ok = queue
                  ? find_limit(queue, name, dead, broker_server_major(s->broker), findings, e) &&
                        find_full(queue, name,
                                  "what follows from tasks waits in the outbox until there is room",
                                  findings, e)
                  : find_limit_without_management(s, name, findings, e);
    json_decref(queue);
    return ok;
}

static bool find_in_dead_queue(struct session *s, const char *dead, json_t *findings, struct err *e)
{
    json_t *queue = management_queue(s->settings, dead);
    bool ok = !queue ||
              find_full(queue, dead,
                        "a worker whose task is dead waits and does nothing else; make room with "
                        "`meterbeatctl dead replay` or `dead drop`",
                        findings, e);
    json_decref(queue);
    return ok;
}

bool queue_findings(struct session *s, json_t *findings, struct err *e)
{
    char dead[BROKER_QUEUE_NAME];
    broker_dead_queue(s->settings, dead);
    if (!find_in_work_queue(s, dead, findings, e) || !find_in_dead_queue(s, dead, findings, e) ||
        !find_unsafe_retry_queue(s, BROKER_SHORT_RUNG_S, findings, e))
        return false;
    for (size_t i = 0; i < s->settings->worker.retry_delays; i++)
        if (s->settings->worker.retry_delays_s[i] != BROKER_SHORT_RUNG_S &&
            !find_unsafe_retry_queue(s, s->settings->worker.retry_delays_s[i], findings, e))
            return false;
    return true;
}
