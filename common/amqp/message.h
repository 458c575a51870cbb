/* An AMQP message outside any connection: properties, headers as JSON, body bytes. */
#ifndef METERBEAT_AMQP_MESSAGE_H
#define METERBEAT_AMQP_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All strings are owned (malloc); NULL = property not present. */
struct message {
    char *content_type;
    char *content_encoding;
    char *correlation_id;
    char *reply_to;
    char *message_id;
    char *expiration; /* text of milliseconds, as in AMQP */
    int priority;     /* -1 = absent */
    /* object; NULL = none. AMQP tables, arrays, void, integers and strings convert both ways */
    json_t *headers;
    char *body; /* may lack a terminating NUL: use body_len */
    size_t body_len;
};

/* The destination and kind of a publish. Borrowed. */
struct publish_route {
    const char *exchange; /* "" or NULL: the default exchange, whose routing keys are queue names */
    const char *routing_key;
    bool optional;  /* not mandatory: it may be dropped if unroutable */
    bool transient; /* not persistent: lost when the broker stops */
};
/* To a queue, mandatory and persistent. */
struct publish_route publish_to_queue(const char *queue);

/* Also for CLEANUP; leaves it empty (no priority). NULL is accepted. */
void message_free(struct message *v);

#endif
