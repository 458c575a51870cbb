/* Celery's remote control as values: requests out of envelopes, replies into them. Pure. */
#ifndef METERBEAT_CELERY_PIDBOX_H
#define METERBEAT_CELERY_PIDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/celery/codec.h"
#include "common/amqp/message.h"

/* A worker's `hello` may bring 50,000 ids. */
#define PIDBOX_BODY_MAX (4 * 1024 * 1024)

struct pidbox_request {
    const char *method;      /* as all texts below: lives in body */
    json_t *arguments;       /* an object; or, refused by the command, anything else; NULL: none */
    const char *exchange;    /* where the reply goes; NULL: nobody waits for one */
    const char *routing_key; /* ... */
    const char *ticket;      /* or NULL */
    bool is_for_us;
    int64_t clock; /* the sender's; 0: it has none */
    const struct codec *codec;
    json_t *body; /* owned */
};

/*
 * now_ms: wall clock; a request that expired more than a minute ago, whatever the clocks say, is
 * not for us. False: ERR_REJECT "too_large", "bad_content_type", "bad_body", "too_deep",
 * "not_control" | ERR_RETRY "no_memory".
 */
MUST_CHECK bool pidbox_read(const struct envelope *v, const char *node, int64_t now_ms,
                            struct pidbox_request *ret_request, struct err *e);
/* Also for CLEANUP. */
void pidbox_request_free(struct pidbox_request *request);

/* {node: answer} in the request's own encoding; answer is taken over (NULL: no memory). Caller
 * frees. False: ERR_REJECT "too_large", ERR_RETRY "no_memory". */
MUST_CHECK bool pidbox_reply(const struct pidbox_request *request, const char *node, json_t *answer,
                             int64_t clock, struct envelope *ret_reply, struct err *e);

/* A request of ours to all: takes `arguments` over. Replies come by `exchange` with `ticket` as
 * their routing key. Errors as above. */
MUST_CHECK bool pidbox_ask(const char *method, json_t *arguments, const char *exchange,
                           const char *ticket, int64_t clock, struct envelope *ret_request,
                           struct err *e);
/* A reply to it: an object {node: answer}, the caller's; NULL: it is none of ours, or no reply. */
json_t *pidbox_read_reply(const struct envelope *v, const char *ticket, int64_t *ret_clock);

/* An envelope of a value, taken over, with headers, taken over too; for events as well. */
MUST_CHECK bool pidbox_envelope(const struct codec *codec, json_t *value, json_t *headers,
                                struct envelope *ret_envelope, struct err *e);

#endif
