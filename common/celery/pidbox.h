/* Celery's remote control as values: decodes requests from messages, encodes replies. Pure. */
#ifndef METERBEAT_CELERY_PIDBOX_H
#define METERBEAT_CELERY_PIDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/celery/codec.h"
#include "common/amqp/message.h"

/* A worker's `hello` may contain 50,000 ids. */
#define PIDBOX_BODY_MAX (4 * 1024 * 1024)

struct pidbox_request {
    const char *method;      /* like all texts below, part of body */
    json_t *arguments;       /* an object; anything else is rejected by the command; NULL: none */
    const char *exchange;    /* where the reply goes; NULL: no reply is expected */
    const char *routing_key; /* ... */
    const char *ticket;      /* or NULL */
    bool is_for_us;
    int64_t clock; /* the sender's logical clock; 0: none */
    const struct codec *codec;
    json_t *body; /* owned */
};

/*
 * now_ms: wall clock. A request that expired more than a minute ago (a tolerance for clocks that
 * differ) is not for us. False: ERR_REJECT "too_large", "bad_content_type", "bad_body", "too_deep",
 * "not_control"; ERR_RETRY "no_memory".
 */
MUST_CHECK bool pidbox_read(const struct message *v, const char *node, int64_t now_ms,
                            struct pidbox_request *ret_request, struct err *e);
/* Also for CLEANUP. */
void pidbox_request_free(struct pidbox_request *request);

/* Encodes {node: answer} as the request was encoded; takes ownership of answer (NULL: out of
 * memory). The caller frees it. False: ERR_REJECT "too_large", ERR_RETRY "no_memory". */
MUST_CHECK bool pidbox_reply(const struct pidbox_request *request, const char *node, json_t *answer,
                             int64_t clock, struct message *ret_reply, struct err *e);

/* Encodes a request of ours to all workers; takes ownership of `arguments`. Replies arrive through
 * `exchange` with `ticket` as their routing key. Errors as above. */
MUST_CHECK bool pidbox_ask(const char *method, json_t *arguments, const char *exchange,
                           const char *ticket, int64_t clock, struct message *ret_request,
                           struct err *e);
/* Decodes a reply to it: an object {node: answer}, owned by the caller; NULL: not a reply to
 * ours. */
json_t *pidbox_read_reply(const struct message *v, const char *ticket, int64_t *ret_clock);

/* A message from a value and headers, both of which it takes ownership of; for events as well. */
MUST_CHECK bool pidbox_message(const struct codec *codec, json_t *value, json_t *headers,
                               struct message *ret_message, struct err *e);

#endif
