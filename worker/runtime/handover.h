/* Where the I/O thread and the executor meet: deliveries one way, settlements and publishes the
 * other. */
#ifndef METERBEAT_WORKER_RUNTIME_HANDOVER_H
#define METERBEAT_WORKER_RUNTIME_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "worker/runtime/delivery.h"

struct handover;

/* How far the worker is with ending; only grows. */
enum stop {
    STOP_NO,
    STOP_DRAIN, /* take nothing new, finish what runs */
    STOP_NOW,   /* end at the next safe point, unacknowledged */
};

/* Why a publication failed, as far as that decides what to do about it. */
enum publish_failure {
    PUBLISH_FAILED_AWAY,     /* the broker is: no connection, an alarm, a lost confirm */
    PUBLISH_FAILED_CHANNEL,  /* the broker closed the channel */
    PUBLISH_FAILED_NO_QUEUE, /* no queue is there to take it */
    PUBLISH_FAILED_REFUSED,  /* its queue did not take it: it is full */
    PUBLISH_FAILED_SILENT,   /* PUBLISH_NO_CONFIRM */
    PUBLISH_FAILED_FOR_GOOD, /* it can never be sent: too large, no such exchange */
};

/* The code of a publication that was not answered within broker.confirm_timeout_s, although the
 * connection lives and there is no alarm: its queue has no leader. Where several were under way
 * each was sent again alone first, so it is this one's queue. What was sent may arrive all the
 * same. */
#define PUBLISH_NO_CONFIRM "no_confirm"

/* One message to publish and to have confirmed; owned by the executor, filled by it up to
 * `message`. */
struct publication {
    struct publish_route route;
    const struct message *message;
    uint64_t number; /* I/O thread's, as the next: under which it was published last, and when */
    int64_t sent_ms; /* monotonic */
    enum { PUBLICATION_WAITING, PUBLICATION_SENT, PUBLICATION_CONFIRMED, PUBLICATION_FAILED } state;
    enum publish_failure failure; /* of a failed one, as the next */
    struct err error;
};

/* Several publications that are answered as one: the executor waits for them, or a delivery does. */
struct publish_request {
    struct publish_request *next;
    struct publication *items;
    size_t count;
    int64_t deadline_ms; /* monotonic: of what waits for a connection or for the end of an alarm */
    int64_t not_before_ms;     /* monotonic: it is published again, after a pause; 0: at once */
    struct delivery *delivery; /* whose result it is; NULL: the executor waits for it */
    bool answered;             /* guarded by the hand-over's lock */
};

/* NULL only without memory or descriptors. */
struct handover *handover_new(void);
/* When no thread uses it any more; frees what is still in it. */
void handover_free(struct handover *h);

/* --- any thread ---------------------------------------------------------------------------- */
/* Tasks done by either thread so far. */
void handover_count_done(struct handover *h);
int64_t handover_done(const struct handover *h);
void handover_stop(struct handover *h, enum stop level);
enum stop handover_stopping(const struct handover *h);
/* The present epoch: deliveries of an earlier one cannot be settled any more. */
uint64_t handover_epoch(const struct handover *h);
/* The I/O thread looks around, even when it sleeps. */
void handover_wake_io(struct handover *h);

/* --- I/O thread ---------------------------------------------------------------------------- */
/* A list of deliveries, in order: one lock and one wake-up for all. */
void handover_give(struct handover *h, struct delivery *list);
/* A new epoch: gives back (as a list) the deliveries that the executor has not taken yet. */
struct delivery *handover_next_epoch(struct handover *h);
/* Those of a queue that the executor has not taken yet, as a list. */
struct delivery *handover_take_back(struct handover *h, const char *queue);
/* Everything the executor has left here since the last call. */
void handover_collect(struct handover *h, struct delivery **ret_settled,
                      struct publish_request **ret_requests);
/* Every publication of the request is confirmed or failed: the executor goes on. */
void handover_answer(struct handover *h, struct publish_request *request);
/* To poll; before that: true, and the next request makes it readable; false: it is wanted already.
 */
int handover_fd(const struct handover *h);
MUST_CHECK bool handover_sleep(struct handover *h);
void handover_wake(struct handover *h);
/* The executor has ended and everything it left has been collected. */
bool handover_finished(struct handover *h);

/* --- executor ------------------------------------------------------------------------------ */
/* The next delivery, or a list of the next few that are brief; NULL after timeout_ms, or at once
 * when stopping or interrupted. */
struct delivery *handover_take(struct handover *h, int64_t timeout_ms);
/* A list of deliveries, each with its settlement: they belong to the I/O thread again. */
void handover_settle(struct handover *h, struct delivery *list);
/* Publishes all; true when all are confirmed. Otherwise the first error (others may be confirmed).
 * Blocks until the I/O thread answers: by deadline_ms without a connection, at the stop, at the
 * loss of the connection, or once each queue had broker.confirm_timeout_s to confirm. */
MUST_CHECK bool handover_publish(struct handover *h, struct publication *items, size_t count,
                                 int64_t deadline_ms, struct err *e);
/* Waits, but not beyond STOP_NOW (`beyond` = STOP_NOW) or any stop (STOP_DRAIN). */
void handover_pause(struct handover *h, int64_t ms, enum stop beyond);
/* The executor's last call. */
void handover_end(struct handover *h);

#endif
