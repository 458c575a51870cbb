/* Results of brief tasks on their way: each belongs to a delivery that is acknowledged once the
 * broker has confirmed it. */
#ifndef METERBEAT_WORKER_RUNTIME_REPLIES_H
#define METERBEAT_WORKER_RUNTIME_REPLIES_H

#include "worker/runtime/handover.h"

/* What the broker refuses this often, the client's queue does not want. */
#define REPLY_REFUSALS_MAX 3

struct reply {
    struct reply *next;
    struct publication publication; /* to queue, of envelope */
    struct envelope envelope;       /* owned */
    char *queue;                    /* owned */
    uint64_t tag;                   /* of the delivery that it answers */
    int64_t not_before_ms;          /* monotonic: after a refusal */
    int refusals;
};

struct reply_list {
    struct reply *first, *last;
};

/* I/O thread only. At most as many as the prefetch: their deliveries are not acknowledged. */
struct replies {
    struct reply_list waiting;  /* for their confirms, in the order of their deliveries */
    struct reply_list answered; /* theirs may be acknowledged */
};

/* Takes over envelope and queue, also when it fails (without memory). */
MUST_CHECK bool replies_add(struct replies *r, struct envelope *envelope, char *queue,
                            uint64_t tag);
/* The sent one with this publish number, or NULL. */
struct reply *replies_find(const struct replies *r, uint64_t number);
/* It needs no more: its delivery may be acknowledged. */
void replies_answer(struct replies *r, struct reply *reply);
/* The broker did not take it: once more later, or enough. */
void replies_refuse(struct replies *r, struct reply *reply, const char *why, int64_t now_ms);
/* Its queue does not answer: those that go there are not sent any more. */
void replies_drop(struct replies *r, const char *queue, const char *why);
/* The connection is another now: whatever was sent is sent again. */
void replies_send_again(struct replies *r);
/* The next delivery that may be acknowledged; false: none at the moment. */
bool replies_take_answered(struct replies *r, uint64_t *ret_tag);
/* Forgets all: their deliveries come again. */
void replies_clear(struct replies *r);

#endif
