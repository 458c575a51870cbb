/* What follows a task, from Celery's signatures in its message (link, link_error, chain, group):
 * the messages to send, and whom to tell that theirs is never sent. Pure. */
#ifndef METERBEAT_CELERY_CANVAS_H
#define METERBEAT_CELERY_CANVAS_H

#include "common/celery/task_message.h"
#include "common/celery/result.h"

/* Signatures of one message, and how deep they may be in one another. */
#define SIGNATURE_MAX_COUNT 4096
#define SIGNATURE_MAX_DEPTH 24

/* A message to send; owned. */
struct follow_up {
    struct message message;
    char *queue;                  /* named by the signature; NULL: whoever sends it decides */
    char *exchange, *routing_key; /* exchange NULL: to a queue */
    const char *serializer;       /* "json" or "msgpack" */
    bool transient;
};

struct follow_ups {
    struct follow_up *items; /* in the order in which they are to be sent */
    size_t count;
    json_t *children; /* what result_encode wants of them; NULL: none */
    /* Tasks with somebody who waits for them that will never be sent; borrowed from the message. */
    struct result_address *forsaken;
    size_t forsaken_count;
    bool has_chord; /* a chord would have followed: the forsaken are its */
};

/*
 * embed of a message, before its task runs: every signature in it can be sent when its time comes.
 * NULL or null: nothing follows. What `chord` holds is not looked at. False: ERR_REJECT
 * "bad_signature" with the place, "too_deep", "too_large".
 */
MUST_CHECK bool signature_check(const json_t *embed, struct err *e);
/* Something is to be done after success: callbacks, a chain, a chord. */
bool signature_follows(const json_t *embed);
/* The chord that the task is in the header of, by the id of its body; NULL: none. Borrowed. */
const char *signature_chord(const json_t *embed);

/*
 * After success, as Celery's worker does it: the callbacks (several as a group), then the next of
 * the chain with the rest of it, each with the result before its own arguments unless it is
 * immutable. Ids that the signatures do not give are UUIDv5 of the parent's id and the place, so
 * that a repeat makes the same. A chord cannot be: it is left out (has_chord). m must have passed
 * signature_check and outlive ret. origin: who sends, for the header. Caller frees with
 * follow_ups_free. False: ERR_RETRY "no_memory".
 */
MUST_CHECK bool signature_succeeded(const struct message *m, const json_t *result,
                                    const char *origin, int64_t now_ms, struct follow_ups *ret,
                                    struct err *e);
/* After a failure: the errbacks with the task's id before their arguments; forsaken: the rest of
 * the chain. Otherwise as above. */
MUST_CHECK bool signature_failed(const struct message *m, const char *origin, int64_t now_ms,
                                 struct follow_ups *ret, struct err *e);
/* Ended without failure or success (revoked): only the forsaken. */
MUST_CHECK bool signature_revoked(const struct message *m, struct follow_ups *ret, struct err *e);
/* Also for CLEANUP. */
void follow_ups_free(struct follow_ups *f);

#endif
