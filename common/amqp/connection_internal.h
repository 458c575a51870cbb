/* Shared by the files of the connection; not included elsewhere. */
#ifndef METERBEAT_AMQP_CONNECTION_INTERNAL_H
#define METERBEAT_AMQP_CONNECTION_INTERNAL_H

#include "common/amqp/connection.h"
#include "common/amqp/rabbitmq.h"

#define BROKER_CHANNEL 1
#define BROKER_UNCONFIRMED_MAX 4096

/* A publish that the broker has not answered yet. */
struct broker_unconfirmed {
    /* identifies the publish that a basic.return is about, which carries no number */
    uint64_t fingerprint;
    bool answered;
    bool returned;
};

/* A message whose header or body frames are incomplete. */
enum broker_incoming { INCOMING_NONE, INCOMING_HEADER, INCOMING_BODY };

struct broker_pending {
    struct broker_pending *next;
    struct broker_event event;
    uint64_t last; /* CONFIRMED, REFUSED: numbers event.tag..last */
};

struct broker {
    amqp_connection_state_t connection;
    const struct settings *settings;
    bool tls;        /* OpenSSL may hold bytes that the descriptor does not show */
    bool lost;       /* nothing can be sent any more */
    bool blocked;    /* a resource alarm: the broker does not read from us */
    bool returning;  /* the incoming message is a basic.return */
    bool plain;      /* no publisher confirms: exchange.h */
    size_t keep_max; /* of a body; a longer one is read and discarded */
    enum broker_incoming incoming;
    uint64_t body_size, body_left;
    size_t body_capacity;
    struct broker_event arriving;
    uint64_t next_number; /* of the next publish */
    uint64_t oldest;      /* the oldest unanswered publish; = next_number if there is none */
    /* ring buffer by number; allocated with the first publish */
    struct broker_unconfirmed *unconfirmed;
    struct broker_pending *first, *last; /* events that arrived while waiting for something else */
    amqp_pool_t pool;                    /* memory of tables being sent */
};

/* Marks the connection dead. Returns false with ERR_RETRY "broker_lost". */
bool broker_lose(struct broker *b, struct err *e, const char *what, int status);
/* Maps an RPC's answer to err; a channel that the broker closed is open again afterwards. */
MUST_CHECK bool broker_reply(struct broker *b, amqp_rpc_reply_t reply, const char *what,
                             struct err *e);
/* Opens the channel and selects confirms; resets tags and publish numbers. */
MUST_CHECK bool broker_open_channel(struct broker *b, struct err *e);
/* Answers channel.close and opens a new channel; *why gets the broker's text. */
MUST_CHECK bool broker_reopen_channel(struct broker *b, const amqp_channel_close_t *m,
                                      struct err *e);
/* A method with content was read: prepares b->arriving. */
void broker_start_message(struct broker *b, enum broker_event_kind kind);
/* Processes one frame; returns the event that it completes (kind NONE otherwise). */
MUST_CHECK bool broker_take_frame(struct broker *b, const amqp_frame_t *frame,
                                  struct broker_event *ret_event, struct err *e);
/* Processes everything that has arrived into pending events; also handles both heartbeats. */
MUST_CHECK bool broker_pump(struct broker *b, struct err *e);
MUST_CHECK bool broker_push(struct broker *b, struct broker_event *event, uint64_t last,
                            struct err *e);
/* A basic.return is complete; an ack or nack has arrived. */
void broker_mark_returned(struct broker *b, const struct broker_event *returned);
MUST_CHECK bool broker_take_confirm(struct broker *b, uint64_t number, bool multiple, bool stored,
                                    struct broker_event *ret_event, struct err *e);
void broker_forget_unconfirmed(struct broker *b);
/* At most 255 bytes, NUL-terminated. */
void broker_copy_text(char out[256], amqp_bytes_t text);

#endif
