/* What about the queues could lose a message or stop a worker: for `check` and `status`. */
#include "ctl/queue_findings.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/amqp/topology.h"
#include "ctl/management.h"

#define FINDING_MAX 512
/* What RabbitMQ gives every quorum queue that names no limit. */
#define LIMIT_SINCE 4
#define LIMIT_DEFAULT 20
/* RabbitMQ asks the leader of a quorum queue for its figures, waits 250 ms, and then says that
 * there are none. A busy one may be late once, not each time. */
#define SILENT_MS 240
#define SILENT_TIMES 3

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

/* --- queues without a leader ---------------------------------------------------------------- */

/* *ret_silent: it is there, and its leader says nothing. */
static bool is_silent(struct session *s, const char *name, bool *ret_silent, struct err *e)
{
    *ret_silent = true;
    for (int i = 0; *ret_silent && i < SILENT_TIMES; i++) {
        uint32_t ready = 0, consumers;
        int64_t start_ms = clock_mono_ms();
        bool there = broker_queue_depth(s->broker, name, &ready, &consumers, e);
        if (!there && strcmp(e->code, "broker_lost") == 0)
            return false;
        *ret_silent = there && ready == 0 && clock_mono_ms() - start_ms >= SILENT_MS;
    }
    return true;
}

/* queue: what the management API knows of it, or NULL. Each of the two ways finds what the other
 * does not: a leader whose process has ended, and one that has no majority, or hangs. */
static bool find_silent(struct session *s, const char *name, const json_t *queue, json_t *findings,
                        struct err *e)
{
    const char *type = json_string_value(json_object_get(queue, "type"));
    bool silent = type && strcmp(type, "quorum") == 0 &&
                  json_string_length(json_object_get(queue, "leader")) == 0;
    if (!silent && !is_silent(s, name, &silent, e))
        return false;
    return !silent || add(findings, e,
                          "queue %s has no leader, or one that does not answer: it takes no "
                          "messages and gives none (docs/queues.md)",
                          name);
}

/* --- all ------------------------------------------------------------------------------------ */

static bool find_in_work_queue(struct session *s, const char *dead, const json_t *queue,
                               json_t *findings, struct err *e)
{
    const char *name = s->settings->broker.queue;
    if (!find_silent(s, name, queue, findings, e))
        return false;
    if (!queue)
        return find_limit_without_management(s, name, findings, e);
    return find_limit(queue, name, dead, broker_server_major(s->broker), findings, e) &&
           find_full(queue, name, "what follows from tasks waits in the outbox until there is room",
                     findings, e);
}

static bool find_in_dead_queue(struct session *s, const char *dead, json_t *findings, struct err *e)
{
    json_t *queue = management_queue(s->settings, dead);
    bool ok = find_silent(s, dead, queue, findings, e) &&
              (!queue ||
               find_full(queue, dead,
                         "a worker whose task is dead waits and does nothing else; make room with "
                         "`meterbeatctl dead replay` or `dead drop`",
                         findings, e));
    json_decref(queue);
    return ok;
}

/* is_managed: the management API answers; one that does not is not asked once a queue. */
static bool find_in_retry_queue(struct session *s, int64_t delay_s, bool is_managed,
                                json_t *findings, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    broker_retry_queue(s->settings->broker.queue, delay_s, name);
    json_t *queue = is_managed ? management_queue(s->settings, name) : NULL;
    bool ok = find_silent(s, name, queue, findings, e) &&
              find_unsafe_retry_queue(s, delay_s, findings, e);
    json_decref(queue);
    return ok;
}

bool queue_findings(struct session *s, json_t *findings, struct err *e)
{
    char dead[BROKER_QUEUE_NAME];
    json_t *queue = management_queue(s->settings, s->settings->broker.queue);
    bool is_managed = queue;
    broker_dead_queue(s->settings, dead);
    bool ok = find_in_work_queue(s, dead, queue, findings, e) &&
              find_in_dead_queue(s, dead, findings, e) &&
              find_in_retry_queue(s, BROKER_SHORT_RUNG_S, is_managed, findings, e);
    for (size_t i = 0; ok && i < s->settings->worker.retry_delays; i++)
        if (s->settings->worker.retry_delays_s[i] != BROKER_SHORT_RUNG_S)
            ok = find_in_retry_queue(s, s->settings->worker.retry_delays_s[i], is_managed, findings,
                                     e);
    json_decref(queue);
    return ok;
}
