/* The queues: the work queue, the rungs of the retry ladder and the dead-letter queue. */
#include "common/amqp/topology.h"

#include <string.h>

#include "common/amqp/connection_internal.h"
#include "common/amqp/field_table.h"

/* Of removing a classic retry queue that an older worker makes again each time. */
#define RETRY_QUEUE_TRIES 3

const char *broker_retry_queue(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME])
{
    snprintf(name, BROKER_QUEUE_NAME, "%s.retry.%lld", queue, (long long)delay_s);
    return name;
}

const char *broker_retry_stand_in(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME])
{
    snprintf(name, BROKER_QUEUE_NAME, "%s.retry.%lld.quorum", queue, (long long)delay_s);
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

static bool declare(struct broker *b, const char *name, const json_t *arguments, struct err *e)
{
    amqp_table_t table;
    recycle_amqp_pool(&b->pool);
    if (!field_table_from_json(arguments, &b->pool, 4096, &table, e))
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

/* Since 4.0 a quorum queue drops what has come back 20 times, unless it has a dead-letter target.
 * One that was made before keeps its arguments: `check` tells. */
static bool add_dead_letter_target(struct broker *b, const struct settings *s, json_t *arguments)
{
    char dead[BROKER_QUEUE_NAME];
    if (!is_quorum(s) || broker_server_major(b) < 4)
        return true;
    json_t *target =
        json_pack("{s:s, s:s, s:s, s:s}", "x-dead-letter-exchange", "", "x-dead-letter-routing-key",
                  broker_dead_queue(s, dead), "x-dead-letter-strategy", "at-least-once",
                  "x-overflow", "reject-publish");
    bool added = target && json_object_update(arguments, target) == 0;
    json_decref(target);
    return added;
}

/* ... or with the one that Celery's task_queue_max_priority gives to every queue of its. */
static json_t *work_arguments(struct broker *b, const struct settings *s)
{
    json_t *arguments = plain_arguments(s);
    if (arguments && add_dead_letter_target(b, s, arguments) &&
        (!s->broker.queue_max_priority ||
         json_object_set_new(arguments, "x-max-priority",
                             json_integer(s->broker.queue_max_priority)) == 0))
        return arguments;
    json_decref(arguments);
    return NULL;
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

/* --- retry queues ------------------------------------------------------------------------------
 */

/* What every retry queue has. One fixed time a queue: a message can only expire at the head, so
 * mixed times would block each other. */
static json_t *classic_retry_arguments(const char *queue, int64_t delay_s)
{
    return json_pack("{s:I, s:s, s:s}", "x-message-ttl", (json_int_t)delay_s * 1000,
                     "x-dead-letter-exchange", "", "x-dead-letter-routing-key", queue);
}

/* A classic queue hands over what has expired without a confirm: what is on its way when the broker
 * is killed is lost. A quorum queue keeps each message until the work queue, of whatever type, has
 * confirmed it; for that its overflow must be reject-publish. */
static json_t *retry_arguments(const char *queue, int64_t delay_s)
{
    json_t *arguments = classic_retry_arguments(queue, delay_s);
    json_t *quorum = json_pack("{s:s, s:s, s:s}", "x-queue-type", "quorum", "x-overflow",
                               "reject-publish", "x-dead-letter-strategy", "at-least-once");
    if (arguments && (!quorum || json_object_update(arguments, quorum) != 0)) {
        json_decref(arguments);
        arguments = NULL;
    }
    json_decref(quorum);
    return arguments;
}

/* Declares with these arguments what may be there with others; takes them over. *ret_same: it has
 * exactly these, as far as we may ask. */
static bool declare_or_compare(struct broker *b, const char *name, json_t *arguments,
                               bool *ret_same, struct err *e)
{
    struct err why = {0};
    bool there = false;
    *ret_same = arguments && declare(b, name, arguments, &why);
    if (!arguments)
        (void)err_set(&why, ERR_RETRY, "no_memory", "no memory to declare a queue");
    json_decref(arguments);
    if (*ret_same)
        return true;
    bool denied = strcmp(why.code, "broker_denied") == 0;
    if (denied || strcmp(why.code, "queue_mismatch") == 0) {
        *ret_same = denied; /* who may not declare uses what is there as it is */
        if (queue_exists(b, name, &there, e) && there)
            return true;
    }
    *e = why;
    return false;
}

/* A classic queue. False in *ret_gone: it holds messages, or we may not. One that is not there is
 * gone. Should it be a quorum queue by now, the broker closes the connection. */
static bool delete_when_empty(struct broker *b, const char *name, bool *ret_gone, struct err *e)
{
    struct err why;
    amqp_queue_delete(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name), 1, 1);
    *ret_gone = broker_reply(b, amqp_get_rpc_reply(b->connection), name, &why);
    if (*ret_gone || strcmp(why.code, "queue_mismatch") == 0 ||
        strcmp(why.code, "broker_denied") == 0 || strcmp(why.code, "no_queue") == 0)
        return true;
    *e = why;
    return false;
}

bool broker_is_bare_quorum_queue(struct broker *b, const char *queue, bool *ret_is, struct err *e)
{
    bool there;
    *ret_is = false;
    return queue_exists(b, queue, &there, e) &&
           (!there ||
            declare_or_compare(b, queue, json_pack("{s:s}", "x-queue-type", "quorum"), ret_is, e));
}

bool broker_compare_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                                enum retry_queue_kind *ret_kind, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    bool there, same = false;
    broker_retry_queue(queue, delay_s, name);
    *ret_kind = RETRY_QUEUE_MISSING;
    if (!queue_exists(b, name, &there, e))
        return false;
    if (!there)
        return true;
    if (!declare_or_compare(b, name, retry_arguments(queue, delay_s), &same, e))
        return false;
    *ret_kind = RETRY_QUEUE_SAFE;
    if (same)
        return true;
    if (!declare_or_compare(b, name, classic_retry_arguments(queue, delay_s), &same, e))
        return false;
    *ret_kind = same ? RETRY_QUEUE_CLASSIC : RETRY_QUEUE_FOREIGN;
    return true;
}

/* Makes it, or finds what is there instead. */
static bool make_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                             enum retry_queue_kind *ret_kind, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    bool same;
    if (!declare_or_compare(b, broker_retry_queue(queue, delay_s, name),
                            retry_arguments(queue, delay_s), &same, e))
        return false;
    *ret_kind = RETRY_QUEUE_SAFE;
    return same || broker_compare_retry_queue(b, queue, delay_s, ret_kind, e);
}

static bool note_stand_in(struct retry_queues *r, const char *name, const char *stand_in,
                          struct err *e)
{
    if (!r)
        return true;
    if (!r->stand_ins)
        r->stand_ins = json_object();
    r->unfinished = true;
    return json_object_set_new(r->stand_ins, name, json_string(stand_in)) == 0 ||
           err_set(e, ERR_RETRY, "no_memory", "no memory to declare a queue");
}

/* Until the classic one under the usual name has run empty, a quorum one stands in for it; that one
 * stays, since RabbitMQ deletes no quorum queue on the condition that it is empty. Another worker,
 * an older one even, may make or remove either meanwhile. */
static bool ensure_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                               struct retry_queues *r, struct err *e)
{
    char name[BROKER_QUEUE_NAME], stand_in[BROKER_QUEUE_NAME];
    enum retry_queue_kind kind = RETRY_QUEUE_MISSING;
    bool gone = true, same;
    broker_retry_queue(queue, delay_s, name);
    broker_retry_stand_in(queue, delay_s, stand_in);
    for (int tries = 0; gone && kind != RETRY_QUEUE_SAFE && kind != RETRY_QUEUE_FOREIGN; tries++) {
        if (!make_retry_queue(b, queue, delay_s, &kind, e))
            return false;
        if (kind == RETRY_QUEUE_CLASSIC && !delete_when_empty(b, name, &gone, e))
            return false;
        gone &= tries < RETRY_QUEUE_TRIES;
    }
    if (kind == RETRY_QUEUE_CLASSIC || kind == RETRY_QUEUE_MISSING) {
        if (declare_or_compare(b, stand_in, retry_arguments(queue, delay_s), &same, e))
            return note_stand_in(r, name, stand_in, e);
        /* who may not make it goes on with the classic one */
        return kind == RETRY_QUEUE_CLASSIC && strcmp(e->code, "broker_denied") == 0;
    }
    if (r && r->stand_ins)
        (void)json_object_del(r->stand_ins, name); /* it was among them or not */
    return true;
}

void retry_queues_free(struct retry_queues *r)
{
    json_decref(r->stand_ins);
    *r = (struct retry_queues){0};
}

/* --- all of them -------------------------------------------------------------------------------
 */

bool broker_declare_work(struct broker *b, const struct settings *s, const char *queue,
                         struct retry_queues *r, struct err *e)
{
    if (!ensure_queue(b, queue, work_arguments(b, s), e) ||
        !ensure_retry_queue(b, queue, BROKER_SHORT_RUNG_S, r, e))
        return false;
    for (size_t i = 0; i < s->worker.retry_delays; i++)
        if (s->worker.retry_delays_s[i] != BROKER_SHORT_RUNG_S &&
            !ensure_retry_queue(b, queue, s->worker.retry_delays_s[i], r, e))
            return false;
    return true;
}

bool broker_declare_topology(struct broker *b, const struct settings *s, struct retry_queues *r,
                             struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    return broker_declare_work(b, s, s->broker.queue, r, e) &&
           ensure_queue(b, broker_dead_queue(s, name), plain_arguments(s), e);
}

bool broker_queue_depth(struct broker *b, const char *queue, uint32_t *ret_ready,
                        uint32_t *ret_consumers, struct err *e)
{
    amqp_queue_declare_ok_t *ok = amqp_queue_declare(
        b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue), 1, 0, 0, 0, amqp_empty_table);
    if (!broker_reply(b, amqp_get_rpc_reply(b->connection), queue, e))
        return false;
    *ret_ready = ok->message_count;
    *ret_consumers = ok->consumer_count;
    amqp_maybe_release_buffers(b->connection);
    return true;
}
