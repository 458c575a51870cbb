/* What the files of the broker module share; nobody else includes it. */
#ifndef METERBEAT_AMQP_CONNECTION_INTERNAL_H
#define METERBEAT_AMQP_CONNECTION_INTERNAL_H

#include "common/amqp/connection.h"
#include "common/amqp/rabbitmq.h"

#define BROKER_CHANNEL 1
#define BROKER_UNCONFIRMED_MAX 4096

/* One publish the broker has not answered yet. */
struct broker_unconfirmed {
    uint64_t fingerprint; /* tells which publish a basic.return is about: it carries no number */
    bool answered;
    bool returned;
};

/* A message whose header or body frames are still to come. */
enum broker_incoming { INCOMING_NONE, INCOMING_HEADER, INCOMING_BODY };

struct broker_pending {
    struct broker_pending *next;
    struct broker_event event;
    uint64_t last; /* CONFIRMED, REFUSED: the numbers event.tag..last */
};

struct broker {
    amqp_connection_state_t connection;
    const struct settings *settings;
    bool tls;        /* OpenSSL may hold bytes that nobody sees */
    bool lost;       /* nothing may be sent any more */
    bool blocked;    /* a resource alarm: the broker does not read what we send */
    bool returning;  /* the incoming message is a basic.return */
    bool plain;      /* no publisher confirms: broker_exchange.h */
    size_t keep_max; /* of a body; a longer one is read and forgotten */
    enum broker_incoming incoming;
    uint64_t body_size, body_left;
    size_t body_capacity;
    struct broker_event arriving;
    uint64_t next_number; /* of the next publish */
    uint64_t oldest;      /* unanswered publish; = next_number when there is none */
    struct broker_unconfirmed *unconfirmed; /* ring, by number; made with the first publish */
    struct broker_pending *first, *last;    /* events seen while something else was waited for */
    amqp_pool_t pool;                       /* tables being sent */
};

/* Marks the connection dead. Returns false with ERR_RETRY "broker_lost". */
bool broker_lose(struct broker *b, struct err *e, const char *what, int status);
/* Folds an RPC's answer; a channel the broker closed is open again afterwards. */
MUST_CHECK bool broker_reply(struct broker *b, amqp_rpc_reply_t reply, const char *what,
                             struct err *e);
/* Opens the channel and selects confirms; forgets tags and publish numbers. */
MUST_CHECK bool broker_open_channel(struct broker *b, struct err *e);
/* Answers channel.close and opens the channel afresh; *why gets the broker's words. */
MUST_CHECK bool broker_reopen_channel(struct broker *b, const amqp_channel_close_t *m,
                                      struct err *e);
/* A method was read that content follows: makes b->arriving ready for it. */
void broker_start_message(struct broker *b, enum broker_event_kind kind);
/* One frame into the event it completes, if it does (kind NONE otherwise). */
MUST_CHECK bool broker_take_frame(struct broker *b, const amqp_frame_t *frame,
                                  struct broker_event *ret_event, struct err *e);
/* Everything that has arrived goes to the pending events; also services both heartbeats. */
MUST_CHECK bool broker_pump(struct broker *b, struct err *e);
MUST_CHECK bool broker_push(struct broker *b, struct broker_event *event, uint64_t last,
                            struct err *e);
/* A basic.return has come in whole; an ack or nack has. */
void broker_mark_returned(struct broker *b, const struct broker_event *returned);
MUST_CHECK bool broker_take_confirm(struct broker *b, uint64_t number, bool multiple, bool stored,
                                    struct broker_event *ret_event, struct err *e);
void broker_forget_unconfirmed(struct broker *b);
/* At most 255 bytes, NUL-terminated. */
void broker_copy_text(char out[256], amqp_bytes_t text);

#endif
