/* A connection for what may be lost: exchanges, queues that go with it, publishing unconfirmed. */
#include "common/amqp/exchange.h"

#include <string.h>

#include "common/amqp/connection_internal.h"
#include "common/amqp/field_table.h"

#define SHORT_STRING_MAX 255
#define HEADERS_MAX 16384
#define ARGUMENTS_MAX 4096

bool broker_declare_exchange(struct broker *b, const char *name, const char *type, bool durable,
                             struct err *e)
{
    amqp_exchange_declare(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes(type), 0, durable, 0, 0, amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), name, e);
}

bool broker_declare_own_queue(struct broker *b, const char *name, const json_t *arguments,
                              struct err *e)
{
    amqp_table_t table;
    recycle_amqp_pool(&b->pool);
    if (!field_table_from_json(arguments, &b->pool, ARGUMENTS_MAX, &table, e))
        return false;
    amqp_queue_declare(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(name), 0, 0, 1, 1, table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), name, e);
}

bool broker_bind(struct broker *b, const char *queue, const char *exchange, const char *routing_key,
                 struct err *e)
{
    amqp_queue_bind(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue),
                    amqp_cstring_bytes(exchange), amqp_cstring_bytes(routing_key),
                    amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), queue, e);
}

bool broker_consume_unacknowledged(struct broker *b, const char *queue, const char *consumer_tag,
                                   struct err *e)
{
    amqp_basic_consume(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue),
                       amqp_cstring_bytes(consumer_tag), 0, 1, 0, amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), "consume", e);
}

static bool make_properties(struct broker *b, const struct message *v, amqp_basic_properties_t *p,
                            struct err *e)
{
    *p = (amqp_basic_properties_t){._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 1};
    if (v->content_type) {
        p->content_type = amqp_cstring_bytes(v->content_type);
        p->_flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
    }
    if (v->content_encoding) {
        p->content_encoding = amqp_cstring_bytes(v->content_encoding);
        p->_flags |= AMQP_BASIC_CONTENT_ENCODING_FLAG;
    }
    if (v->priority >= 0) {
        p->priority = (uint8_t)v->priority;
        p->_flags |= AMQP_BASIC_PRIORITY_FLAG;
    }
    if (!v->headers)
        return true;
    p->_flags |= AMQP_BASIC_HEADERS_FLAG;
    return field_table_from_json(v->headers, &b->pool, HEADERS_MAX, &p->headers, e);
}

bool broker_send(struct broker *b, const char *exchange, const char *routing_key,
                 const struct message *v, struct err *e)
{
    amqp_basic_properties_t properties;
    if (strlen(exchange) > SHORT_STRING_MAX || strlen(routing_key) > SHORT_STRING_MAX ||
        v->body_len > BROKER_BODY_MAX)
        return err_set(e, ERR_REJECT, "too_large", "exchange, routing key or message too long");
    recycle_amqp_pool(&b->pool);
    if (!make_properties(b, v, &properties, e))
        return false;
    /* Reading first finds out whether the peer is gone, as in broker_publish; what waits to be
     * taken has been read a moment ago. */
    if (!b->first && !broker_pump(b, e))
        return false;
    amqp_bytes_t body = {v->body_len, v->body};
    int status = amqp_basic_publish(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(exchange),
                                    amqp_cstring_bytes(routing_key), 0, 0, &properties, body);
    return status == AMQP_STATUS_OK || broker_lose(b, e, "publish", status);
}
