/* An AMQP message outside any connection: properties, headers as JSON, body bytes. */
#ifndef METERBEAT_AMQP_MESSAGE_H
#define METERBEAT_AMQP_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All strings are owned (malloc); NULL = property not present. */
struct envelope {
    char *content_type;
    char *content_encoding;
    char *correlation_id;
    char *reply_to;
    char *message_id;
    char *expiration; /* milliseconds as text, as AMQP has it */
    int priority;     /* -1 = not present */
    json_t *headers;  /* object; NULL = none. AMQP tables, arrays, void, ints, strings both ways */
    char *body;       /* not NUL-terminated for sure: use body_len */
    size_t body_len;
};

/* Where an envelope goes, and how. Borrowed. */
struct publish_route {
    const char *exchange; /* "" or NULL: the default one, whose routing keys are queue names */
    const char *routing_key;
    bool optional;  /* whether anybody gets it does not matter: not mandatory */
    bool transient; /* gone with the broker: not persistent */
};
/* To a queue, mandatory and persistent. */
struct publish_route publish_to_queue(const char *queue);

/* Also for CLEANUP; leaves an empty envelope (no priority). NULL accepted. */
void envelope_free(struct envelope *v);

#endif
