/* The queues: the work queue, the rungs of the retry ladder and the dead-letter queue. */
#include <string.h>

#include "queue/broker_internal.h"
#include "queue/header_table.h"

const char *broker_retry_queue(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME])
{
    snprintf(name, BROKER_QUEUE_NAME, "%s.retry.%lld", queue, (long long)delay_s);
    return name;
}

const char *broker_dead_queue(const struct settings *s, char name[BROKER_QUEUE_NAME])
{
    snprintf(name, BROKER_QUEUE_NAME, "%s.dead", s->broker.queue);
    return name;
}

bool broker_is_inner_queue(const char *queue)
{
    static const char dead[] = ".dead", delayed[] = "celery_delayed_";
    size_t length = strlen(queue);
    return strstr(queue, ".retry.") || strncmp(queue, delayed, sizeof delayed - 1) == 0 ||
           (length >= sizeof dead - 1 && strcmp(queue + length - (sizeof dead - 1), dead) == 0);
}

/* True: it is there (*ret_there) or it is not; false: the question could not be put. */
static bool queue_exists(struct broker *b, const char *name, bool *ret_there, struct err *e)
{
    uint32_t ready, consumers;
    struct err why;
    *ret_there = broker_queue_depth(b, name, &ready, &consumers, &why);
    if (*ret_there || strcmp(why.code, "no_queue") == 0)
        return true;
    return err_set(e, why.kind, why.code, "%s", why.text);
}

static bool declare(struct broker *b, const char *name, json_t *arguments, struct err *e)
{
    amqp_table_t table;
    recycle_amqp_pool(&b->pool);
    if (!header_table_from_json(arguments, &b->pool, 4096, &table, e))
        return false;
    amqp_queue_declare(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name), 0, 1, 0, 0, table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), name, e);
}

static bool is_quorum(const struct settings *s)
{
    return strcmp(s->broker.queue_type, "quorum") == 0;
}

/* A classic queue is made without arguments, as Celery makes it, so that either may come first. */
static json_t *plain_arguments(const struct settings *s)
{
    return is_quorum(s) ? json_pack("{s:s}", "x-queue-type", "quorum") : json_object();
}

/* ... or with the one that Celery's task_queue_max_priority gives to every queue of its. */
static json_t *work_arguments(const struct settings *s)
{
    json_t *arguments = plain_arguments(s);
    if (!arguments || !s->broker.queue_max_priority ||
        json_object_set_new(arguments, "x-max-priority",
                            json_integer(s->broker.queue_max_priority)) == 0)
        return arguments;
    json_decref(arguments);
    return NULL;
}

/* One fixed time a queue: a message can only expire at the head, so mixed times would block each
 * other. */
static json_t *rung_arguments(const struct settings *s, const char *queue, int64_t delay_s)
{
    json_t *arguments = json_pack("{s:I, s:s, s:s}", "x-message-ttl", (json_int_t)delay_s * 1000,
                                  "x-dead-letter-exchange", "", "x-dead-letter-routing-key", queue);
    if (arguments && is_quorum(s)) {
        json_t *quorum = json_pack("{s:s, s:s, s:s}", "x-queue-type", "quorum", "x-overflow",
                                   "reject-publish", "x-dead-letter-strategy", "at-least-once");
        if (!quorum || json_object_update(arguments, quorum) != 0) {
            json_decref(arguments);
            arguments = NULL;
        }
        json_decref(quorum);
    }
    return arguments;
}

/* Takes over `arguments`. What exists is used as it is: other arguments would only end in a 406. */
static bool ensure_queue(struct broker *b, const char *name, json_t *arguments, struct err *e)
{
    bool there = false;
    bool ok = arguments || err_set(e, ERR_RETRY, "no_memory", "no memory to declare a queue");
    ok = ok && queue_exists(b, name, &there, e);
    ok = ok && (there || declare(b, name, arguments, e));
    json_decref(arguments);
    return ok;
}

static bool ensure_rung(struct broker *b, const struct settings *s, const char *queue,
                        int64_t delay_s, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    return ensure_queue(b, broker_retry_queue(queue, delay_s, name),
                        rung_arguments(s, queue, delay_s), e);
}

bool broker_declare_work(struct broker *b, const struct settings *s, const char *queue,
                         struct err *e)
{
    if (!ensure_queue(b, queue, work_arguments(s), e) ||
        !ensure_rung(b, s, queue, BROKER_SHORT_RUNG_S, e))
        return false;
    for (size_t i = 0; i < s->worker.retry_delays; i++)
        if (s->worker.retry_delays_s[i] != BROKER_SHORT_RUNG_S &&
            !ensure_rung(b, s, queue, s->worker.retry_delays_s[i], e))
            return false;
    return true;
}

bool broker_declare_topology(struct broker *b, const struct settings *s, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    return broker_declare_work(b, s, s->broker.queue, e) &&
           ensure_queue(b, broker_dead_queue(s, name), plain_arguments(s), e);
}
