/* What follows a task, by the signatures in its message (link, link_error, chain, group): the
 * messages to send, and whose clients to notify that theirs is never sent. Pure. */
#ifndef METERBEAT_CELERY_CANVAS_H
#define METERBEAT_CELERY_CANVAS_H

#include "common/celery/task_message.h"
#include "common/celery/result.h"

/* Limits: signatures of one message, and their nesting. */
#define SIGNATURE_MAX_COUNT 4096
#define SIGNATURE_MAX_DEPTH 24

/* A message to send; owned. */
struct callback {
    struct task_message message;
    char *queue;                  /* the signature's; NULL: the sender decides */
    char *exchange, *routing_key; /* exchange NULL: a queue */
    const char *serializer;       /* "json" or "msgpack" */
    bool transient;
};

struct callbacks {
    struct callback *items; /* in the order of sending */
    size_t count;
    json_t *children; /* for result_encode; NULL: none */
    /* Tasks that will never be sent and whose clients wait for them; borrowed from the message. */
    struct result_address *forsaken;
    size_t forsaken_count;
    bool has_chord; /* a chord would have followed: these are its tasks */
};

/*
 * Validates a message's embed before its task runs: whether every signature in it can be sent when
 * its time comes. NULL or null: nothing follows. The content of `chord` is ignored. False:
 * ERR_REJECT "bad_signature" with the place, "too_deep", "too_large".
 */
MUST_CHECK bool signature_check(const json_t *embed, struct err *e);
/* Whether something follows a success: callbacks, a chain, a chord. */
bool signature_has_callbacks(const json_t *embed);
/* The chord whose header contains the task, as the id of its body; NULL: none. Borrowed. */
const char *signature_chord(const json_t *embed);

/*
 * The messages after a success, as Celery's worker sends them: the callbacks (several as a group),
 * then the next task of the chain with the rest of it, each with the result before its own
 * arguments unless it is immutable. Missing ids are UUIDv5 from the parent's id and the position,
 * so that a repeat derives the same. A chord is not supported: it is left out (has_chord). m must
 * have passed signature_check and outlive ret. origin: the sender, for the header. The caller frees
 * with callbacks_free. False: ERR_RETRY "no_memory".
 */
MUST_CHECK bool signature_succeeded(const struct task_message *m, const json_t *result,
                                    const char *origin, int64_t now_ms, struct callbacks *ret,
                                    struct err *e);
/* The messages after a failure: the errbacks with the task's id before their arguments; the rest of
 * the chain is unreachable. Otherwise as above. */
MUST_CHECK bool signature_failed(const struct task_message *m, const char *origin, int64_t now_ms,
                                 struct callbacks *ret, struct err *e);
/* After a revocation: only the unreachable tasks. */
MUST_CHECK bool signature_revoked(const struct task_message *m, struct callbacks *ret,
                                  struct err *e);
/* Also for CLEANUP. */
void callbacks_free(struct callbacks *f);

#endif
