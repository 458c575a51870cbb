/* Celery's task message as a value, decoded from and encoded to an AMQP message. No I/O. */
#ifndef METERBEAT_CELERY_TASK_MESSAGE_H
#define METERBEAT_CELERY_TASK_MESSAGE_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/message.h"

/* Owned by the message. Times: milliseconds since the epoch, 0 = none. Absent strings NULL. */
struct task_message {
    char *id;
    char *task;
    char *root_id, *parent_id, *group_id;
    char *reply_to, *origin;
    json_t *args;   /* array */
    json_t *kwargs; /* object */
    json_t *embed;  /* object or NULL: callbacks, errbacks, chain, chord */
    /* all received headers, or additional ones to send; object or NULL; shared with the AMQP
     * message after decoding: do not change it in place */
    json_t *headers;
    int64_t eta_ms, expires_ms;
    int64_t retries;
    int64_t soft_limit_ms, hard_limit_ms;
    int priority;       /* -1 = none; sent as 0, as Celery does */
    bool ignore_result; /* false: the task decides */
    int protocol;       /* 2, 1; hybrid counts as 2 */
};

struct task_message_limits {
    size_t max_bytes;  /* of the body, both as received and decompressed */
    size_t max_depth;  /* of nesting in the body and in headers; above 512 is 512, msgpack 32 */
    size_t max_values; /* scalars, keys and containers of the body; 0 = TASK_MESSAGE_MAX_VALUES */
};
#define TASK_MESSAGE_MAX_VALUES 100000
/* Limit of task_message_encode; RabbitMQ 4 rejects more by default. */
#define TASK_MESSAGE_MAX_BYTES (16 * 1024 * 1024)

/*
 * Decodes protocols 2, 1 and the hybrid (docs/celery-messages.md), application/json and
 * application/x-msgpack. False: ERR_REJECT with a code for the broken rule: "not_celery",
 * "bad_content_type", "bad_compression", "bad_body", "too_large", "too_deep", "bad_id",
 * "bad_arguments", "bad_eta", "bad_expires", "bad_timelimit", "bad_signature" (in what should
 * follow), and a text with the header or place; ERR_RETRY "no_memory". Pure.
 */
MUST_CHECK bool task_message_decode(const struct message *v,
                                    const struct task_message_limits *limits,
                                    struct task_message *ret_message, struct err *e);
/*
 * Encodes a protocol 2 message that a stock Celery worker accepts. serializer: "json" or "msgpack".
 * now_ms is for the expiration property: expires_ms - now_ms, at least 0; omitted if AMQP cannot
 * express it (above 2^32-1 ms). m->headers adds custom headers and may contain shadow, group_index,
 * stamps, stamped_headers, replaced_task_nesting, argsrepr and kwargsrepr; those that the fields
 * above determine, or that the broker wrote (x-death, CC), are ignored. The caller frees
 * ret_message. False: ERR_REJECT "bad_serializer", "bad_id", "not_celery" (no task),
 * "bad_arguments", "bad_body", "too_deep", "too_large"; ERR_RETRY "no_memory". Pure.
 */
MUST_CHECK bool task_message_encode(const struct task_message *m, const char *serializer,
                                    int64_t now_ms, struct message *ret_message, struct err *e);
/* Whether a header was written by a broker (x-death and the like) or affects routing (CC, BCC): if
 * sent again, the message would be dropped as a cycle, or copied. Pure. */
bool task_message_header_is_brokers(const char *name);
/* Whether m->headers may add a header of that name: neither Celery's own nor one that a broker
 * writes. */
bool task_message_header_is_custom(const char *name);
/* Also for CLEANUP. */
void task_message_free(struct task_message *m);
/* A JSON value's repr() in Python (argsrepr, kwargsrepr), truncated to max bytes with "..." at the
 * end. The caller frees it; NULL: out of memory. */
char *task_message_python_repr(const json_t *value, size_t max);

#endif
