/* Publishing: not believed before the broker confirms it. */
#include "common/amqp/publish.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/amqp/connection_internal.h"
#include "common/amqp/field_table.h"

#define SHORT_STRING_MAX 255
/* Room in a header frame for everything that is no header: eight short strings, flags, sizes. */
#define PROPERTIES_ROOM 4096
/* Of a body, as much as tells one message from another. */
#define FINGERPRINT_BODY 4096

/* --- which publish is which ----------------------------------------------------------------------
 */

static uint64_t fingerprint(const char *routing_key, const struct message *v)
{
    uint64_t hash = hash_more(HASH_START, routing_key, strlen(routing_key) + 1);
    if (v->correlation_id)
        hash = hash_more(hash, v->correlation_id, strlen(v->correlation_id));
    hash = hash_more(hash, &v->body_len, sizeof v->body_len);
    return hash_more(hash, v->body,
                     v->body_len < FINGERPRINT_BODY ? v->body_len : FINGERPRINT_BODY);
}

static struct broker_unconfirmed *unconfirmed_at(struct broker *b, uint64_t number)
{
    return &b->unconfirmed[number % BROKER_UNCONFIRMED_MAX];
}

void broker_forget_unconfirmed(struct broker *b)
{
    b->next_number = b->oldest = 1; /* a fresh channel counts from 1 */
}

/* Returns come in the order of publishing, so the first that fits is the one; its ack follows. */
void broker_mark_returned(struct broker *b, const struct broker_event *returned)
{
    uint64_t wanted = fingerprint(returned->routing_key, &returned->message);
    for (uint64_t n = b->oldest; n < b->next_number; n++) {
        struct broker_unconfirmed *u = unconfirmed_at(b, n);
        if (u->fingerprint == wanted && !u->answered && !u->returned) {
            u->returned = true;
            return;
        }
    }
}

/* One answered number becomes an event; neighbours with the same answer share it. */
static bool answer(struct broker *b, uint64_t number, bool stored, struct broker_event *event,
                   uint64_t *last, struct err *e)
{
    struct broker_unconfirmed *u = unconfirmed_at(b, number);
    if (u->answered)
        return true;
    u->answered = true;
    enum broker_event_kind kind =
        stored && !u->returned ? BROKER_EVENT_CONFIRMED : BROKER_EVENT_REFUSED;
    if (event->kind == kind && *last + 1 == number) {
        *last = number;
        return true;
    }
    if (event->kind != BROKER_EVENT_NONE && !broker_push(b, event, *last, e))
        return false;
    event->kind = kind;
    event->tag = *last = number;
    snprintf(event->text, sizeof event->text, "%s",
             u->returned ? "NO_ROUTE"
             : stored    ? ""
                         : "nack");
    return true;
}

bool broker_take_confirm(struct broker *b, uint64_t number, bool multiple, bool stored,
                         struct broker_event *ret_event, struct err *e)
{
    if (number >= b->next_number || (number == 0 && !multiple))
        return broker_lose(b, e, "confirm of nothing", AMQP_STATUS_BAD_AMQP_DATA);
    struct broker_event event = {.kind = BROKER_EVENT_NONE};
    uint64_t last = 0, from = multiple ? b->oldest : number;
    uint64_t to = number ? number : b->next_number - 1; /* 0 with multiple: all so far */
    for (uint64_t n = from; n <= to; n++)
        if (n >= b->oldest && !answer(b, n, stored, &event, &last, e))
            return false;
    while (b->oldest < b->next_number && unconfirmed_at(b, b->oldest)->answered)
        b->oldest++;
    if (event.kind == BROKER_EVENT_NONE)
        return true;
    if (b->first || event.tag < last) /* behind those that wait already */
        return broker_push(b, &event, last, e);
    *ret_event = event;
    return true;
}

/* --- sending -------------------------------------------------------------------------------------
 */

static bool set_text(amqp_basic_properties_t *p, amqp_flags_t flag, amqp_bytes_t *field,
                     const char *value, struct err *e)
{
    if (!value)
        return true;
    if (strlen(value) > SHORT_STRING_MAX)
        return err_set(e, ERR_REJECT, "too_large", "a message property of %zu bytes",
                       strlen(value));
    *field = amqp_cstring_bytes(value);
    p->_flags |= flag;
    return true;
}

/* Checked in full before anything is sent: librabbitmq finds a header too long only halfway. */
static bool make_properties(struct broker *b, const struct message *v, bool transient,
                            amqp_basic_properties_t *p, struct err *e)
{
    size_t frame = (size_t)amqp_get_frame_max(b->connection);
    size_t room = frame > 2 * PROPERTIES_ROOM ? frame - PROPERTIES_ROOM : frame / 2;
    *p = (amqp_basic_properties_t){._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                   .delivery_mode = transient ? 1 : 2};
    if (!set_text(p, AMQP_BASIC_CONTENT_TYPE_FLAG, &p->content_type, v->content_type, e) ||
        !set_text(p, AMQP_BASIC_CONTENT_ENCODING_FLAG, &p->content_encoding, v->content_encoding,
                  e) ||
        !set_text(p, AMQP_BASIC_CORRELATION_ID_FLAG, &p->correlation_id, v->correlation_id, e) ||
        !set_text(p, AMQP_BASIC_REPLY_TO_FLAG, &p->reply_to, v->reply_to, e) ||
        !set_text(p, AMQP_BASIC_MESSAGE_ID_FLAG, &p->message_id, v->message_id, e) ||
        !set_text(p, AMQP_BASIC_EXPIRATION_FLAG, &p->expiration, v->expiration, e))
        return false;
    if (v->priority >= 0) {
        p->priority = v->priority > 255 ? 255 : (uint8_t)v->priority;
        p->_flags |= AMQP_BASIC_PRIORITY_FLAG;
    }
    if (!v->headers)
        return true;
    p->_flags |= AMQP_BASIC_HEADERS_FLAG;
    return field_table_from_json(v->headers, &b->pool, room, &p->headers, e);
}

static bool note_unconfirmed(struct broker *b, const struct publish_route *route,
                             const struct message *v, struct err *e)
{
    if (!b->unconfirmed)
        b->unconfirmed = calloc(BROKER_UNCONFIRMED_MAX, sizeof *b->unconfirmed);
    if (!b->unconfirmed)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to publish");
    if (b->next_number - b->oldest >= BROKER_UNCONFIRMED_MAX)
        return err_set(e, ERR_RETRY, "too_many_unconfirmed", "%d messages wait for their confirm",
                       BROKER_UNCONFIRMED_MAX);
    /* only what is mandatory can come back */
    *unconfirmed_at(b, b->next_number) = (struct broker_unconfirmed){
        .fingerprint = route->optional ? 0 : fingerprint(route->routing_key, v)};
    return true;
}

bool broker_publish(struct broker *b, const struct publish_route *route, const struct message *v,
                    uint64_t *ret_number, struct err *e)
{
    amqp_basic_properties_t properties;
    const char *exchange = route->exchange ? route->exchange : "";
    if (strlen(route->routing_key) > SHORT_STRING_MAX || strlen(exchange) > SHORT_STRING_MAX ||
        v->body_len > BROKER_BODY_MAX)
        return err_set(e, ERR_REJECT, "too_large", "queue name or message too long");
    recycle_amqp_pool(&b->pool);
    if (!make_properties(b, v, route->transient, &properties, e))
        return false;
    /* librabbitmq before 0.14 hangs for ever when it publishes to a peer that has been silent for
     * two heartbeats; reading first finds that out, without a hang. */
    if (!broker_pump(b, e) || !note_unconfirmed(b, route, v, e))
        return false;
    amqp_bytes_t body = {v->body_len, v->body};
    int status = amqp_basic_publish(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(exchange),
                                    amqp_cstring_bytes(route->routing_key), !route->optional, 0,
                                    &properties, body);
    if (status != AMQP_STATUS_OK)
        return broker_lose(b, e, "publish", status);
    *ret_number = b->next_number++;
    return true;
}

bool broker_blocked(const struct broker *b)
{
    return b->blocked;
}

static bool refused(const struct broker_event *event, const char *queue, struct err *e)
{
    if (strcmp(event->text, "NO_ROUTE") == 0)
        return err_set(e, ERR_REJECT, "no_queue", "there is no queue %s", queue);
    return err_set(e, ERR_RETRY, "publish_refused", "queue %s: the broker did not take it: %s",
                   queue, event->text);
}

bool broker_publish_wait(struct broker *b, const char *queue, const struct message *v,
                         struct err *e)
{
    uint64_t number;
    int64_t deadline = clock_mono_ms() + 1000 * b->settings->broker.confirm_timeout_s;
    struct publish_route route = publish_to_queue(queue);
    if (!broker_publish(b, &route, v, &number, e))
        return false;
    for (;;) {
        struct broker_event event;
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0)
            return err_set(e, ERR_RETRY, "publish_timeout", "queue %s: no confirm within %d s",
                           queue, (int)b->settings->broker.confirm_timeout_s);
        if (!broker_next(b, left < 1000 ? (int)left : 1000, &event, e))
            return false;
        if (event.kind == BROKER_EVENT_CONFIRMED && event.tag == number)
            return true;
        if (event.kind == BROKER_EVENT_REFUSED && event.tag == number)
            return refused(&event, queue, e);
        if (event.kind == BROKER_EVENT_BLOCKED)
            return err_set(e, ERR_RETRY, "broker_blocked", "RabbitMQ takes no messages now: %s",
                           event.text);
        if (event.kind == BROKER_EVENT_REOPENED)
            return err_set(e, ERR_RETRY, "channel_closed", "publish to %s: %s", queue, event.text);
        broker_event_free(&event);
    }
}
