/* One RabbitMQ connection with its one channel: opened, asked and closed, librabbitmq's errors
 * folded. */
#include "common/amqp/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/broker_url.h"
#include "common/amqp/exchange.h"
#include "common/amqp/connection_internal.h"

#define BROKER_FRAME_MAX 131072
#define BROKER_RPC_TIMEOUT_S 10
#define BROKER_CLOSE_TIMEOUT_S 3
/* librabbitmq before 0.14 cannot ask OpenSSL for its default trust store. */
#define BROKER_DEFAULT_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

/* --- errors -------------------------------------------------------------------------------------
 */

void broker_copy_text(char out[256], amqp_bytes_t text)
{
    size_t length = text.len < 255 ? text.len : 255;
    if (length)
        memcpy(out, text.bytes, length);
    out[length] = '\0';
}

bool broker_lose(struct broker *b, struct err *e, const char *what, int status)
{
    b->lost = true;
    return err_set(e, ERR_RETRY, "broker_lost", "%s: %s", what, amqp_error_string2(status));
}

/* What a closed channel means to a caller, by AMQP's reply code. */
static bool fold_channel_close(uint16_t code, const char *text, const char *what, struct err *e)
{
    switch (code) {
    case 404:
        return err_set(e, ERR_REJECT, "no_queue", "%s: %s", what, text);
    case 403:
        return err_set(e, ERR_RETRY, "broker_denied", "%s: %s", what, text);
    case 405:
    case 406:
        return err_set(e, ERR_RETRY, "queue_mismatch", "%s: %s", what, text);
    default:
        return err_set(e, ERR_RETRY, "channel_closed", "%s: %d %s", what, code, text);
    }
}

static bool fold_connection_close(struct broker *b, const amqp_connection_close_t *m,
                                  const char *what, struct err *e)
{
    char text[256];
    broker_copy_text(text, m->reply_text);
    amqp_connection_close_ok_t ok = {0};
    (void)amqp_send_method(b->connection, 0, AMQP_CONNECTION_CLOSE_OK_METHOD,
                           &ok); /* it is over anyway */
    b->lost = true;
    return err_set(e, ERR_RETRY, "broker_lost", "%s: closed by the broker: %d %s", what,
                   m->reply_code, text);
}

bool broker_reply(struct broker *b, amqp_rpc_reply_t reply, const char *what, struct err *e)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return true;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        return broker_lose(b, e, what, reply.library_error);
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
        return broker_lose(b, e, what, AMQP_STATUS_CONNECTION_CLOSED);
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        return fold_connection_close(b, reply.reply.decoded, what, e);
    const amqp_channel_close_t *m = reply.reply.decoded;
    char text[256];
    uint16_t code = m->reply_code;
    broker_copy_text(text, m->reply_text);
    return broker_reopen_channel(b, m, e) && fold_channel_close(code, text, what, e);
}

/* --- opening ------------------------------------------------------------------------------------
 */

/* The kernel must notice a dead peer too: its own defaults take hours. */
static void set_tcp_options(int fd, int heartbeat_s)
{
    int idle_s = heartbeat_s > 0 ? heartbeat_s : 30, interval_s = 5, count = 3;
    unsigned user_timeout_ms = 2000U * (unsigned)idle_s;
    /* A kernel that knows none of these leaves heartbeats to do the work. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

/* What a URL says goes before the settings, as with kombu. */
static const char *first_said(const char *url, const char *setting, const char *fallback)
{
    return url[0] ? url : setting[0] ? setting : fallback;
}

static bool set_up_tls(const struct settings *s, const struct broker_address *where,
                       amqp_socket_t *socket, struct err *e)
{
    const char *ca = first_said(where->ca_file, s->broker.ca_file, BROKER_DEFAULT_CA_FILE);
    const char *cert = first_said(where->cert_file, s->broker.cert_file, "");
    const char *key = first_said(where->key_file, s->broker.key_file, "");
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK)
        return err_set(e, ERR_FATAL, "broker_tls", "TLS 1.2 is not available");
    if (amqp_ssl_socket_set_cacert(socket, ca) != AMQP_STATUS_OK)
        return err_set(e, ERR_FATAL, "broker_tls", "cannot read the certificates of %s", ca);
    if (cert[0] && amqp_ssl_socket_set_key(socket, cert, key) != AMQP_STATUS_OK)
        return err_set(e, ERR_FATAL, "broker_tls", "cannot use certificate %s with key %s", cert,
                       key);
    return true;
}

/* librabbitmq compares names alone, and does not tell an end of a certificate from an authority. */
static const char *connect_fault(int status)
{
    switch (status) {
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
        return "its certificate is for another name than broker.url's; an address in it does not "
               "count: write a name that it has";
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
        return "its certificate has expired, or comes from no authority in broker.ca_file";
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
        return "the TLS handshake failed: does that port speak TLS, 1.2 at least?";
    default:
        return amqp_error_string2(status);
    }
}

static int64_t connect_timeout_s(const struct settings *s, const struct broker_address *where)
{
    return where->connect_timeout_s > 0 ? where->connect_timeout_s : s->broker.connect_timeout_s;
}

static int heartbeat_s(const struct settings *s, const struct broker_address *where)
{
    return (int)(where->heartbeat_s >= 0 ? where->heartbeat_s : s->broker.heartbeat_s);
}

static bool connect_socket(struct broker *b, const struct broker_address *where, struct err *e)
{
    const struct settings *s = b->settings;
    struct timeval timeout = {.tv_sec = connect_timeout_s(s, where)};
    b->tls = where->tls;
    amqp_socket_t *socket =
        where->tls ? amqp_ssl_socket_new(b->connection) : amqp_tcp_socket_new(b->connection);
    if (!socket)
        return err_set(e, ERR_RETRY, "broker_unreachable", "no memory for a socket");
    if (where->tls && !set_up_tls(s, where, socket, e))
        return false;
    int status = amqp_socket_open_noblock(socket, where->host, where->port, &timeout);
    if (status != AMQP_STATUS_OK)
        return err_set(e, ERR_RETRY,
                       where->tls && status <= -0x0200 ? "broker_tls" : "broker_unreachable",
                       "%s port %d: %s", where->host, where->port, connect_fault(status));
    set_tcp_options(amqp_get_sockfd(b->connection), heartbeat_s(s, where));
    return true;
}

static amqp_table_entry_t text_property(const char *key, const char *value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

static amqp_table_entry_t flag_property(const char *key)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
}

/* Without these announcements a deleted queue or a resource alarm would go unnoticed for ever. */
static amqp_rpc_reply_t login(struct broker *b, const struct broker_address *where,
                              const char *connection_name)
{
    const struct settings *s = b->settings;
    amqp_table_entry_t capabilities[] = {
        flag_property("consumer_cancel_notify"), flag_property("connection.blocked"),
        flag_property("basic.nack"), flag_property("publisher_confirms")};
    amqp_table_entry_t properties[] = {text_property("connection_name", connection_name),
                                       text_property("product", "meterbeat"),
                                       text_property("version", METERBEAT_VERSION),
                                       {.key = amqp_cstring_bytes("capabilities")}};
    properties[3].value.kind = AMQP_FIELD_KIND_TABLE;
    properties[3].value.value.table = (amqp_table_t){ARRAY_LEN(capabilities), capabilities};
    amqp_table_t table = {ARRAY_LEN(properties), properties};
    return amqp_login_with_properties(b->connection, where->vhost, 0, BROKER_FRAME_MAX,
                                      heartbeat_s(s, where), &table, AMQP_SASL_METHOD_PLAIN,
                                      where->user, where->password);
}

static bool fold_login(struct broker *b, amqp_rpc_reply_t reply, const struct broker_address *where,
                       struct err *e)
{
    bool refused = reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
                   reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD;
    if (refused) {
        const amqp_connection_close_t *m = reply.reply.decoded;
        char text[256];
        broker_copy_text(text, m->reply_text);
        return err_set(e, ERR_FATAL, "broker_refused",
                       "%s port %d refused user %s, vhost %s: %d %s", where->host, where->port,
                       where->user, where->vhost, m->reply_code, text);
    }
    struct err inner;
    if (broker_reply(b, reply, "login", &inner))
        return true;
    return err_set(e, ERR_RETRY, "broker_unreachable", "%s port %d: %s%s", where->host, where->port,
                   inner.text, where->tls ? "" : "; a port for TLS needs amqps:// in the URL");
}

bool broker_open_channel(struct broker *b, struct err *e)
{
    broker_forget_unconfirmed(b);
    b->incoming = INCOMING_NONE;
    broker_event_free(&b->arriving);
    amqp_channel_open(b->connection, BROKER_CHANNEL);
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(b->connection);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return broker_lose(b, e, "open channel", reply.library_error);
    if (b->plain)
        return true;
    amqp_confirm_select(b->connection, BROKER_CHANNEL);
    reply = amqp_get_rpc_reply(b->connection);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return broker_lose(b, e, "select confirms", reply.library_error);
    return true;
}

/* Frames of the closed channel that an RPC put aside are void; those of the connection are not. */
static bool drop_queued_frames(struct broker *b, struct err *e)
{
    while (amqp_frames_enqueued(b->connection)) {
        amqp_frame_t frame;
        struct broker_event event = {0};
        int status = amqp_simple_wait_frame_noblock(b->connection, &frame, &(struct timeval){0});
        if (status != AMQP_STATUS_OK)
            return broker_lose(b, e, "reopen channel", status);
        if (frame.channel == 0 && !broker_take_frame(b, &frame, &event, e))
            return false;
        if (event.kind != BROKER_EVENT_NONE && !broker_push(b, &event, 0, e))
            return false;
    }
    return true;
}

bool broker_reopen_channel(struct broker *b, const amqp_channel_close_t *m, struct err *e)
{
    (void)m;
    amqp_channel_close_ok_t ok = {0};
    int status = amqp_send_method(b->connection, BROKER_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    if (status != AMQP_STATUS_OK)
        return broker_lose(b, e, "channel.close-ok", status);
    if (!drop_queued_frames(b, e))
        return false;
    amqp_maybe_release_buffers(b->connection);
    return broker_open_channel(b, e);
}

/* What an RPC has put aside as events is as void as what it has put aside as frames. */
static void drop_pending(struct broker *b)
{
    while (b->first) {
        struct broker_pending *p = b->first;
        b->first = p->next;
        broker_event_free(&p->event);
        free(p);
    }
    b->last = NULL;
}

bool broker_renew_channel(struct broker *b, struct err *e)
{
    amqp_rpc_reply_t reply = amqp_channel_close(b->connection, BROKER_CHANNEL, AMQP_REPLY_SUCCESS);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return broker_lose(b, e, "close channel", reply.library_error);
    drop_pending(b);
    if (!drop_queued_frames(b, e))
        return false;
    amqp_maybe_release_buffers(b->connection);
    return broker_open_channel(b, e);
}

static bool broker_connect(struct broker *b, const struct broker_address *where,
                           const char *connection_name, struct err *e)
{
    b->connection = amqp_new_connection();
    if (!b->connection)
        return err_set(e, ERR_RETRY, "broker_unreachable", "no memory for a connection");
    struct timeval timeout = {.tv_sec = BROKER_RPC_TIMEOUT_S};
    (void)amqp_set_handshake_timeout(b->connection,
                                     &timeout); /* fails only without memory: default */
    (void)amqp_set_rpc_timeout(b->connection, &timeout);
    return connect_socket(b, where, e) &&
           fold_login(b, login(b, where, connection_name), where, e) && broker_open_channel(b, e);
}

static bool open_at(const struct settings *s, const struct broker_address *where,
                    const char *connection_name, bool plain, size_t keep_max,
                    struct broker **ret_broker, struct err *e)
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b)
        return err_set(e, ERR_RETRY, "broker_unreachable", "no memory for a connection");
    b->settings = s;
    b->plain = plain;
    b->keep_max = keep_max;
    init_amqp_pool(&b->pool, 4096);
    if (!broker_connect(b, where, connection_name, e)) {
        b->lost = true;
        broker_close(b);
        return false;
    }
    *ret_broker = b;
    return true;
}

/* --- several brokers ----------------------------------------------------------------------- */

/* Of the whole process: where its last connection was made, or is to be tried next. */
static atomic_size_t preferred;

/* A password of the environment or of a file goes before those in the URLs. */
static bool read_address(const struct settings *s, size_t index, struct broker_address *where,
                         struct err *e)
{
    char what[URL_WHAT] = "no memory";
    char *url = broker_url_at(s->broker.url, index);
    bool known = url && broker_url_read(url, where, what);
    free(url);
    if (!known)
        return err_set(e, ERR_FATAL, "broker_url", "broker.url: %s", what);
    bool one_for_all = strcmp(s->broker.password, s->broker.url_passwords[0]) != 0;
    const char *password = one_for_all ? s->broker.password : s->broker.url_passwords[index];
    if (password[0])
        snprintf(where->password, sizeof where->password, "%s", password);
    return true;
}

/* One after the other, each once, but not for much longer than one may take: whoever waits has
 * other connections to serve. */
static bool open_broker(const struct settings *s, const char *connection_name, bool plain,
                        size_t keep_max, struct broker **ret_broker, struct err *e)
{
    size_t count = broker_url_count(s->broker.url);
    int64_t end_ms = clock_mono_ms() + s->broker.connect_timeout_s * 1000;
    bool opened = false, hopeless = true;
    for (size_t tries = 0; !opened && tries < count; tries++) {
        size_t at = atomic_load(&preferred);
        struct broker_address where;
        if (tries > 0 && clock_mono_ms() >= end_ms) {
            hopeless = false;
            break;
        }
        opened = read_address(s, at % count, &where, e) &&
                 open_at(s, &where, connection_name, plain, keep_max, ret_broker, e);
        explicit_bzero(&where, sizeof where);
        if (opened)
            break;
        hopeless &= e->kind == ERR_FATAL;
        (void)atomic_compare_exchange_strong(&preferred, &at, at + 1);
    }
    if (!opened && !hopeless)
        e->kind = ERR_RETRY;
    return opened;
}

bool broker_open(const struct settings *s, const char *connection_name, struct broker **ret_broker,
                 struct err *e)
{
    return open_broker(s, connection_name, false, BROKER_BODY_MAX, ret_broker, e);
}

bool broker_open_plain(const struct settings *s, const char *connection_name, size_t keep_max,
                       struct broker **ret_broker, struct err *e)
{
    return open_broker(s, connection_name, true, keep_max, ret_broker, e);
}

/* --- closing ------------------------------------------------------------------------------------
 */

/* Closing the channel first proves that the broker has seen the acknowledgements before it. */
static void close_orderly(struct broker *b)
{
    struct timeval timeout = {.tv_sec = BROKER_CLOSE_TIMEOUT_S};
    (void)amqp_set_rpc_timeout(b->connection, &timeout);
    amqp_rpc_reply_t reply = amqp_channel_close(b->connection, BROKER_CHANNEL, AMQP_REPLY_SUCCESS);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        (void)amqp_connection_close(b->connection,
                                    AMQP_REPLY_SUCCESS); /* nothing more can be done */
}

void broker_close(struct broker *b)
{
    if (!b)
        return;
    if (b->connection && !b->lost)
        close_orderly(b);
    if (b->connection)
        (void)amqp_destroy_connection(
            b->connection); /* its result says only how the socket closed */
    drop_pending(b);
    broker_event_free(&b->arriving);
    empty_amqp_pool(&b->pool);
    free(b->unconfirmed);
    free(b);
}

bool broker_is_lost(const struct err *why)
{
    return strcmp(why->code, "broker_lost") == 0;
}

void broker_abandon(struct broker *b)
{
    if (b)
        b->lost = true;
    broker_close(b);
}

int broker_server_major(const struct broker *b)
{
    const amqp_table_t *table = amqp_get_server_properties(b->connection);
    char key[256], text[256] = "";
    for (int i = 0; i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];
        broker_copy_text(key, entry->key);
        if (strcmp(key, "version") == 0 && entry->value.kind == AMQP_FIELD_KIND_UTF8)
            broker_copy_text(text, entry->value.value.bytes);
    }
    return (int)strtol(text, NULL, 10);
}

int broker_fd(const struct broker *b)
{
    return amqp_get_sockfd(b->connection);
}

bool broker_buffered(const struct broker *b)
{
    return b->first || b->tls || amqp_frames_enqueued(b->connection) ||
           amqp_data_in_buffer(b->connection);
}

/* --- consuming and settling ---------------------------------------------------------------------
 */

bool broker_consume(struct broker *b, const char *queue, const char *consumer_tag, int prefetch,
                    struct err *e)
{
    amqp_basic_qos(b->connection, BROKER_CHANNEL, 0, (uint16_t)prefetch, 0);
    if (!broker_reply(b, amqp_get_rpc_reply(b->connection), "set prefetch", e))
        return false;
    amqp_basic_consume(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue),
                       amqp_cstring_bytes(consumer_tag), 0, 0, 0, amqp_empty_table);
    return broker_reply(b, amqp_get_rpc_reply(b->connection), "consume", e);
}

bool broker_try_consume(const struct settings *s, const char *connection_name, const char *queue,
                        int64_t timeout_ms, struct err *e)
{
    struct broker *b;
    if (!broker_open(s, connection_name, &b, e))
        return false;
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    (void)amqp_set_rpc_timeout(b->connection, &timeout);
    bool taken = broker_consume(b, queue, "try", 1, e);
    broker_close(b); /* without a word when it is lost */
    return taken;
}

bool broker_cancel(struct broker *b, const char *consumer_tag, struct err *e)
{
    amqp_basic_cancel(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(consumer_tag));
    return broker_reply(b, amqp_get_rpc_reply(b->connection), "cancel", e);
}

bool broker_ack(struct broker *b, uint64_t tag, bool multiple, struct err *e)
{
    int status = amqp_basic_ack(b->connection, BROKER_CHANNEL, tag, multiple);
    return status == AMQP_STATUS_OK || broker_lose(b, e, "acknowledge", status);
}

bool broker_nack_requeue(struct broker *b, uint64_t tag, struct err *e)
{
    int status = amqp_basic_nack(b->connection, BROKER_CHANNEL, tag, 0, 1);
    return status == AMQP_STATUS_OK || broker_lose(b, e, "give back", status);
}

/* The content of a get-ok follows it like a delivery's; other events on the way are kept. */
static bool finish_get(struct broker *b, const amqp_basic_get_ok_t *ok,
                       struct broker_event *ret_event, struct err *e)
{
    broker_start_message(b, BROKER_EVENT_DELIVERY);
    b->arriving.tag = ok->delivery_tag;
    b->arriving.redelivered = ok->redelivered;
    broker_copy_text(b->arriving.exchange, ok->exchange);
    broker_copy_text(b->arriving.routing_key, ok->routing_key);
    struct timeval timeout = {.tv_sec = BROKER_RPC_TIMEOUT_S};
    for (;;) {
        amqp_frame_t frame;
        struct broker_event event = {0};
        int status = amqp_simple_wait_frame_noblock(b->connection, &frame, &timeout);
        if (status != AMQP_STATUS_OK)
            return broker_lose(b, e, "get", status);
        if (!broker_take_frame(b, &frame, &event, e))
            return false;
        if (event.kind == BROKER_EVENT_DELIVERY || event.kind == BROKER_EVENT_REOPENED) {
            *ret_event = event;
            return true;
        }
        if (event.kind != BROKER_EVENT_NONE && !broker_push(b, &event, event.tag, e))
            return false;
    }
}

bool broker_get(struct broker *b, const char *queue, struct broker_event *ret_event, struct err *e)
{
    if (!broker_pump(b, e)) /* a message half read may not be interrupted by another */
        return false;
    amqp_rpc_reply_t reply =
        amqp_basic_get(b->connection, BROKER_CHANNEL, amqp_cstring_bytes(queue), 0);
    if (!broker_reply(b, reply, "get", e))
        return false;
    if (reply.reply.id == AMQP_BASIC_GET_OK_METHOD)
        return finish_get(b, reply.reply.decoded, ret_event, e);
    *ret_event = (struct broker_event){.kind = BROKER_EVENT_NONE};
    return true;
}
