/* Celery's native delayed delivery: the topology through which a client's eta messages come to us.
 */
#include "common/celery/delayed_delivery.h"

#include <stdio.h>
#include <string.h>

#include "common/amqp/connection_internal.h"
#include "common/amqp/field_table.h"

#define LEVELS 28
#define OUT "celery_delayed_delivery"
#define LEVEL_NAME 32

static const char *level_name(int level, char name[LEVEL_NAME])
{
    if (level < 0)
        snprintf(name, LEVEL_NAME, "%s", OUT);
    else
        snprintf(name, LEVEL_NAME, "celery_delayed_%d", level);
    return name;
}

/* "*.*.1.#" for the third level from the top: any bits before it, then its own. */
static const char *level_key(int level, char bit, char key[2 * LEVELS + 4])
{
    size_t n = 0;
    for (int above = LEVELS - 1; above > level; above--) {
        key[n++] = '*';
        key[n++] = '.';
    }
    snprintf(key + n, 4, "%c.#", bit);
    return key;
}

/* --- one step each ------------------------------------------------------------------------- */

static bool exchange_exists(struct broker *b, const char *name, bool *ret_there, struct err *e)
{
    struct err why;
    amqp_exchange_declare(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes("topic"), 1, 1, 0, 0, amqp_empty_table);
    *ret_there = broker_reply(b, amqp_get_rpc_reply(b->connection), name, &why);
    if (*ret_there || strcmp(why.code, "no_queue") == 0)
        return true;
    *e = why;
    return false;
}

static bool make_exchange(struct broker *b, const char *name, struct err *e)
{
    amqp_exchange_declare(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), name, e);
}

static bool bind_queue(struct broker *b, const char *queue, const char *exchange, const char *key,
                       struct err *e)
{
    amqp_queue_bind(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue),
                    amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), queue, e);
}

static bool bind_exchange(struct broker *b, const char *to, const char *from, const char *key,
                          struct err *e)
{
    amqp_exchange_bind(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(to),
                       amqp_cstring_bytes(from), amqp_cstring_bytes(key), amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), to, e);
}

static json_t *level_arguments(int level, const char *queue_type)
{
    char next[LEVEL_NAME];
    json_t *arguments = json_pack("{s:s, s:s, s:I, s:s}", "x-queue-type", queue_type, "x-overflow",
                                  "reject-publish", "x-message-ttl", (json_int_t)1000 << level,
                                  "x-dead-letter-exchange", level_name(level - 1, next));
    if (arguments && strcmp(queue_type, "quorum") == 0 &&
        json_object_set_new(arguments, "x-dead-letter-strategy", json_string("at-least-once")) !=
            0) {
        json_decref(arguments);
        return NULL;
    }
    return arguments;
}

static bool make_queue(struct broker *b, int level, const char *queue_type, struct err *e)
{
    char name[LEVEL_NAME];
    amqp_table_t table;
    json_t *arguments = level_arguments(level, queue_type);
    recycle_amqp_pool(&b->pool);
    bool made = arguments ? field_table_from_json(arguments, &b->pool, 4096, &table, e)
                          : err_set(e, ERR_RETRY, "no_memory", "no memory to declare a queue");
    if (made) {
        amqp_queue_declare(b->connection, BROKER_CHANNEL,
                           amqp_cstring_bytes(level_name(level, name)), 0, 1, 0, 0, table);
        made = broker_reply(b, amqp_get_rpc_reply(b->connection), name, e);
    }
    json_decref(arguments);
    return made;
}

/* --- the whole ----------------------------------------------------------------------------- */

static bool make_level(struct broker *b, int level, const char *queue_type, struct err *e)
{
    char name[LEVEL_NAME], key[2 * LEVELS + 4];
    level_name(level, name);
    return make_exchange(b, name, e) && make_queue(b, level, queue_type, e) &&
           bind_queue(b, name, name, level_key(level, '1', key), e);
}

/* Where its bit is 0, a message goes past the level's queue to the next exchange. */
static bool join_level(struct broker *b, int level, struct err *e)
{
    char name[LEVEL_NAME], next[LEVEL_NAME], key[2 * LEVELS + 4];
    return bind_exchange(b, level_name(level - 1, next), level_name(level, name),
                         level_key(level, '0', key), e);
}

/* The way out is made last: when it is there, all is. */
static bool make_levels(struct broker *b, const char *queue_type, struct err *e)
{
    for (int level = LEVELS - 1; level >= 0; level--)
        if (!make_level(b, level, queue_type, e))
            return false;
    for (int level = LEVELS - 1; level > 0; level--)
        if (!join_level(b, level, e))
            return false;
    return make_exchange(b, OUT, e) && join_level(b, 0, e);
}

/* The exchange may be the application's: then it is used as it is. */
static bool lead_to(struct broker *b, const char *queue, struct err *e)
{
    char key[2 + 255 + 1];
    bool there = false;
    snprintf(key, sizeof key, "#.%.250s", queue);
    return exchange_exists(b, queue, &there, e) && (there || make_exchange(b, queue, e)) &&
           bind_exchange(b, queue, OUT, key, e) && bind_queue(b, queue, queue, key, e);
}

bool delayed_delivery_declare(struct broker *b, const char *queue, const char *queue_type,
                              struct err *e)
{
    bool there = false;
    return exchange_exists(b, OUT, &there, e) && (there || make_levels(b, queue_type, e)) &&
           lead_to(b, queue, e);
}
