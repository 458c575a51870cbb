/* What the broker says: frames, of whatever kind and at whatever time, made into events. */
#include "common/amqp/frames.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/amqp/connection_internal.h"
#include "common/amqp/field_table.h"

/* Memory for a body grows with what has arrived, not with what was announced. */
#define BODY_FIRST_CAPACITY (1024 * 1024)
/* Messages read ahead of a publish on a plain connection. */
#define PUMP_MAX 16

void broker_event_free(struct broker_event *event)
{
    message_free(&event->message);
    event->kind = BROKER_EVENT_NONE;
}

/* --- a message: header and body follow the method ------------------------------------------------
 */

void broker_start_message(struct broker *b, enum broker_event_kind kind)
{
    b->incoming = INCOMING_HEADER;
    b->returning = false;
    b->arriving.kind = kind;
    b->arriving.defect[0] = b->arriving.text[0] = '\0';
    memset(&b->arriving.message, 0, sizeof b->arriving.message);
    b->arriving.message.priority = -1;
}

static void take_deliver(struct broker *b, const amqp_basic_deliver_t *m)
{
    broker_start_message(b, BROKER_EVENT_DELIVERY);
    b->arriving.tag = m->delivery_tag;
    b->arriving.redelivered = m->redelivered;
    broker_copy_text(b->arriving.text, m->consumer_tag);
    broker_copy_text(b->arriving.exchange, m->exchange);
    broker_copy_text(b->arriving.routing_key, m->routing_key);
}

static void take_return(struct broker *b, const amqp_basic_return_t *m)
{
    broker_start_message(b, BROKER_EVENT_REFUSED);
    b->returning = true;
    broker_copy_text(b->arriving.routing_key, m->routing_key);
    broker_copy_text(b->arriving.text, m->reply_text);
}

static char *copy_property(const amqp_basic_properties_t *p, amqp_flags_t flag, amqp_bytes_t value,
                           bool *failed)
{
    if (!(p->_flags & flag))
        return NULL;
    char *copy = strndup(value.len ? value.bytes : "", value.len);
    if (!copy)
        *failed = true;
    return copy;
}

static bool take_properties(struct broker *b, const amqp_basic_properties_t *p, struct err *e)
{
    struct message *v = &b->arriving.message;
    bool failed = false, cut = false;
    v->content_type = copy_property(p, AMQP_BASIC_CONTENT_TYPE_FLAG, p->content_type, &failed);
    v->content_encoding =
        copy_property(p, AMQP_BASIC_CONTENT_ENCODING_FLAG, p->content_encoding, &failed);
    v->correlation_id =
        copy_property(p, AMQP_BASIC_CORRELATION_ID_FLAG, p->correlation_id, &failed);
    v->reply_to = copy_property(p, AMQP_BASIC_REPLY_TO_FLAG, p->reply_to, &failed);
    v->message_id = copy_property(p, AMQP_BASIC_MESSAGE_ID_FLAG, p->message_id, &failed);
    v->expiration = copy_property(p, AMQP_BASIC_EXPIRATION_FLAG, p->expiration, &failed);
    if (p->_flags & AMQP_BASIC_PRIORITY_FLAG)
        v->priority = p->priority;
    if (p->_flags & AMQP_BASIC_HEADERS_FLAG) {
        v->headers =
            field_table_to_json(&p->headers, (size_t)b->settings->worker.max_message_depth, &cut);
        failed |= !v->headers;
    }
    if (cut)
        snprintf(b->arriving.defect, sizeof b->arriving.defect, "too_deep");
    return !failed || broker_lose(b, e, "read a message", AMQP_STATUS_NO_MEMORY);
}

static bool make_room(struct broker *b, size_t needed, struct err *e)
{
    struct message *v = &b->arriving.message;
    if (needed <= b->body_capacity)
        return true;
    size_t total = v->body_len + (size_t)b->body_left;
    size_t capacity = b->body_capacity ? 2 * b->body_capacity : BODY_FIRST_CAPACITY;
    if (capacity < needed)
        capacity = needed;
    if (capacity > total)
        capacity = total;
    char *grown = realloc(v->body, capacity);
    if (!grown)
        return broker_lose(b, e, "read a message", AMQP_STATUS_NO_MEMORY);
    v->body = grown;
    b->body_capacity = capacity;
    return true;
}

/* Hands the finished message over; a return only marks the publish that it is about. */
static void finish_message(struct broker *b, struct broker_event *ret_event)
{
    b->incoming = INCOMING_NONE;
    if (b->returning) {
        broker_mark_returned(b, &b->arriving);
        broker_event_free(&b->arriving);
        return;
    }
    size_t most = b->plain ? b->keep_max : (size_t)b->settings->worker.max_message_bytes;
    if (b->body_size > most && !b->arriving.defect[0])
        snprintf(b->arriving.defect, sizeof b->arriving.defect, "too_large");
    *ret_event = b->arriving;
    memset(&b->arriving.message, 0, sizeof b->arriving.message);
}

static bool take_header(struct broker *b, const amqp_frame_t *frame, struct broker_event *ret_event,
                        struct err *e)
{
    uint64_t size = frame->payload.properties.body_size;
    if (b->incoming != INCOMING_HEADER || frame->payload.properties.class_id != AMQP_BASIC_CLASS ||
        size > BROKER_BODY_MAX)
        return broker_lose(b, e, "message header", AMQP_STATUS_BAD_AMQP_DATA);
    if (!take_properties(b, frame->payload.properties.decoded, e))
        return false;
    b->body_left = b->body_size = size;
    b->body_capacity = 0;
    b->incoming = INCOMING_BODY;
    if (size == 0)
        finish_message(b, ret_event);
    return true;
}

static bool take_body(struct broker *b, amqp_bytes_t piece, struct broker_event *ret_event,
                      struct err *e)
{
    struct message *v = &b->arriving.message;
    if (b->incoming != INCOMING_BODY || piece.len > b->body_left)
        return broker_lose(b, e, "message body", AMQP_STATUS_BAD_AMQP_DATA);
    if (b->body_size <= b->keep_max) {
        if (!make_room(b, v->body_len + piece.len, e))
            return false;
        memcpy(v->body + v->body_len, piece.bytes, piece.len);
        v->body_len += piece.len;
    }
    b->body_left -= piece.len;
    if (b->body_left == 0)
        finish_message(b, ret_event);
    return true;
}

/* --- methods -------------------------------------------------------------------------------------
 */

static bool take_channel_close(struct broker *b, const amqp_channel_close_t *m,
                               struct broker_event *ret_event, struct err *e)
{
    char why[256];
    broker_copy_text(why, m->reply_text);
    uint16_t code = m->reply_code;
    if (!broker_reopen_channel(b, m, e))
        return false;
    ret_event->kind = BROKER_EVENT_REOPENED;
    snprintf(ret_event->text, sizeof ret_event->text, "%d %.240s", code, why);
    return true;
}

static bool take_channel_method(struct broker *b, amqp_method_t m, struct broker_event *ret_event,
                                struct err *e)
{
    if (b->incoming != INCOMING_NONE && m.id != AMQP_CHANNEL_CLOSE_METHOD)
        return broker_lose(b, e, "method within a message", AMQP_STATUS_BAD_AMQP_DATA);
    switch (m.id) {
    case AMQP_BASIC_DELIVER_METHOD:
        take_deliver(b, m.decoded);
        return true;
    case AMQP_BASIC_RETURN_METHOD:
        take_return(b, m.decoded);
        return true;
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = m.decoded;
        return broker_take_confirm(b, ack->delivery_tag, ack->multiple, true, ret_event, e);
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = m.decoded;
        return broker_take_confirm(b, nack->delivery_tag, nack->multiple, false, ret_event, e);
    }
    case AMQP_BASIC_CANCEL_METHOD: {
        const amqp_basic_cancel_t *cancel = m.decoded;
        ret_event->kind = BROKER_EVENT_CANCELLED;
        broker_copy_text(ret_event->text, cancel->consumer_tag);
        return true;
    }
    case AMQP_CHANNEL_CLOSE_METHOD:
        return take_channel_close(b, m.decoded, ret_event, e);
    case AMQP_CHANNEL_FLOW_METHOD: {
        const amqp_channel_flow_t *flow = m.decoded;
        amqp_channel_flow_ok_t ok = {flow->active};
        int status =
            amqp_send_method(b->connection, BROKER_CHANNEL, AMQP_CHANNEL_FLOW_OK_METHOD, &ok);
        return status == AMQP_STATUS_OK || broker_lose(b, e, "channel.flow-ok", status);
    }
    default:
        return broker_lose(b, e, amqp_method_name(m.id), AMQP_STATUS_WRONG_METHOD);
    }
}

static bool take_connection_method(struct broker *b, amqp_method_t m,
                                   struct broker_event *ret_event, struct err *e)
{
    switch (m.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD: {
        const amqp_connection_blocked_t *blocked = m.decoded;
        ret_event->kind = BROKER_EVENT_BLOCKED;
        b->blocked = true;
        broker_copy_text(ret_event->text, blocked->reason);
        return true;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        ret_event->kind = BROKER_EVENT_UNBLOCKED;
        b->blocked = false;
        return true;
    case AMQP_CONNECTION_CLOSE_METHOD: {
        amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = m};
        return broker_reply(b, reply, "connection", e);
    }
    default:
        return broker_lose(b, e, amqp_method_name(m.id), AMQP_STATUS_WRONG_METHOD);
    }
}

bool broker_take_frame(struct broker *b, const amqp_frame_t *frame, struct broker_event *ret_event,
                       struct err *e)
{
    switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
        return frame->channel == 0 ? take_connection_method(b, frame->payload.method, ret_event, e)
                                   : take_channel_method(b, frame->payload.method, ret_event, e);
    case AMQP_FRAME_HEADER:
        return take_header(b, frame, ret_event, e);
    case AMQP_FRAME_BODY:
        return take_body(b, frame->payload.body_fragment, ret_event, e);
    default: /* heartbeats never come out of librabbitmq, and nothing else exists */
        return true;
    }
}

/* --- the stream of events ------------------------------------------------------------------------
 */

bool broker_push(struct broker *b, struct broker_event *event, uint64_t last, struct err *e)
{
    struct broker_pending *p = malloc(sizeof *p);
    if (!p) {
        broker_event_free(event);
        return broker_lose(b, e, "keep an event", AMQP_STATUS_NO_MEMORY);
    }
    *p = (struct broker_pending){.event = *event, .last = last};
    if (b->last)
        b->last->next = p;
    else
        b->first = p;
    b->last = p;
    return true;
}

/* A range of confirmed numbers comes out one by one. */
static void pop_pending(struct broker *b, struct broker_event *ret_event)
{
    struct broker_pending *p = b->first;
    *ret_event = p->event;
    bool range = p->event.kind == BROKER_EVENT_CONFIRMED || p->event.kind == BROKER_EVENT_REFUSED;
    if (range && p->event.tag < p->last) {
        p->event.tag++;
        return;
    }
    b->first = p->next;
    if (!b->first)
        b->last = NULL;
    free(p);
}

/* One frame at most; *ret_any false: nothing came within the time. */
static bool read_frame(struct broker *b, int64_t timeout_ms, struct broker_event *ret_event,
                       bool *ret_any, struct err *e)
{
    amqp_frame_t frame;
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    int status = amqp_simple_wait_frame_noblock(b->connection, &frame, &timeout);
    *ret_any = status == AMQP_STATUS_OK;
    if (status == AMQP_STATUS_TIMEOUT)
        return true;
    if (status != AMQP_STATUS_OK)
        return broker_lose(b, e, "read", status);
    if (!broker_take_frame(b, &frame, ret_event, e))
        return false;
    amqp_maybe_release_buffers_on_channel(b->connection, frame.channel);
    return true;
}

static bool broker_usable(const struct broker *b, struct err *e)
{
    return !b->lost || err_set(e, ERR_RETRY, "broker_lost", "the connection is closed");
}

bool broker_next(struct broker *b, int timeout_ms, struct broker_event *ret_event, struct err *e)
{
    ret_event->kind = BROKER_EVENT_NONE;
    memset(&ret_event->message, 0, sizeof ret_event->message);
    if (!broker_usable(b, e))
        return false;
    int64_t deadline = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : 0;
    bool any = true;
    while (any && !b->first && ret_event->kind == BROKER_EVENT_NONE) {
        int64_t left = deadline ? deadline - clock_mono_ms() : 0;
        if (!read_frame(b, left > 0 ? left : 0, ret_event, &any, e))
            return false;
    }
    if (ret_event->kind == BROKER_EVENT_NONE && b->first)
        pop_pending(b, ret_event);
    return true;
}

bool broker_pump(struct broker *b, struct err *e)
{
    if (!broker_usable(b, e))
        return false;
    bool any = true;
    /* nothing holds back what comes unasked on a plain connection: it must not be kept without end
     */
    size_t room = b->plain ? PUMP_MAX : SIZE_MAX;
    while ((any && room > 0) || b->incoming != INCOMING_NONE) {
        struct broker_event event = {0};
        /* the rest of a message must come: the heartbeats end the wait if the peer is gone */
        if (!read_frame(b, b->incoming == INCOMING_NONE ? 0 : 1000, &event, &any, e))
            return false;
        if (event.kind != BROKER_EVENT_NONE && !broker_push(b, &event, event.tag, e))
            return false;
        room -= event.kind != BROKER_EVENT_NONE && room > 0;
    }
    return true;
}
