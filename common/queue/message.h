/* Celery's task message as a value: decoded from and encoded to an envelope, no I/O. */
#ifndef METERBEAT_QUEUE_MESSAGE_H
#define METERBEAT_QUEUE_MESSAGE_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "queue/envelope.h"

/* Owned by the message. Times: milliseconds since the epoch, 0 = none. Absent strings NULL. */
struct message {
    char *id;
    char *task;
    char *root_id, *parent_id, *group_id;
    char *reply_to, *origin;
    json_t *args;    /* array */
    json_t *kwargs;  /* object */
    json_t *embed;   /* object or NULL: callbacks, errbacks, chain, chord */
    json_t *headers; /* all headers as received or extra ones to send; object or NULL */
    int64_t eta_ms, expires_ms;
    int64_t retries;
    int64_t soft_limit_ms, hard_limit_ms;
    int priority; /* -1 = none */
    bool ignore_result;
    int protocol; /* 2, 1; hybrid counts as 2 */
};

struct message_limits {
    size_t max_bytes; /* of the body as it arrived, and once decompressed */
    size_t max_depth; /* of nesting in the body and in headers */
};

/*
 * Protocol 2, 1 and the hybrid (docs: celery protocol), application/json and application/x-msgpack.
 * False: ERR_REJECT with a code that says which rule is broken: "not_celery", "bad_content_type",
 * "bad_body", "too_large", "too_deep", "bad_id", "bad_arguments", "bad_eta", "bad_expires",
 * "bad_timelimit". Pure.
 */
MUST_CHECK bool message_decode(const struct envelope *v, const struct message_limits *limits,
                               struct message *ret_message, struct err *e);
/*
 * A protocol 2 message that a stock Celery worker accepts. serializer: "json" or "msgpack". now_ms
 * is for the expiration property: expires_ms - now_ms, at least 0. Caller frees ret_envelope. Pure.
 */
MUST_CHECK bool message_encode(const struct message *m, const char *serializer, int64_t now_ms,
                               struct envelope *ret_envelope, struct err *e);
/* Also for CLEANUP. */
void message_free(struct message *m);
/* repr() of a JSON value as Python writes it (argsrepr, kwargsrepr), cut at max bytes with "...".
 * Caller frees. */
char *message_python_repr(const json_t *value, size_t max);

#endif
