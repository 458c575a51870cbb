/* Publishing from the executor: again and again until the broker has confirmed it, or somebody
 * decides that it is not going to. */
#ifndef METERBEAT_WORKER_RUNTIME_PUBLISH_REQUEST_H
#define METERBEAT_WORKER_RUNTIME_PUBLISH_REQUEST_H

#include "worker/runtime/handover.h"

struct attempt;

/* How an attempt reaches the broker: the I/O thread, or what a test plays. */
struct publish_port {
    void *context;
    /* As handover_publish. */
    bool (*publish)(void *context, struct publication *items, size_t count, int64_t deadline_ms,
                    struct err *e);
    /* As handover_pause. */
    void (*pause)(void *context, int64_t ms, enum stop beyond);
};
/* What became of one message. */
enum publish_status {
    PUBLISH_CONFIRMED,
    PUBLISH_STOPPED, /* a stop, the delivery is void, or no memory */
    PUBLISH_REFUSED, /* it will not be taken: by no queue, or not as it is */
    PUBLISH_SILENT,  /* the queue does not answer */
};

/* What to do about one that failed. */
enum give_up {
    GIVE_UP_NOT_YET, /* publish it again */
    GIVE_UP,         /* it is taken care of otherwise */
    GIVE_UP_STOPPED, /* give all of them up */
};
typedef enum give_up publish_give_up(void *context, size_t index, const struct publication *failed);

/* Publishes with growing pauses until each is confirmed or given up. False: STOP_NOW, the delivery
 * is void, or GIVE_UP_STOPPED; *e says why. */
MUST_CHECK bool publish_all(struct attempt *a, struct publication *items, size_t count,
                            publish_give_up *give_up, void *context, struct err *e);
/* One message to a queue that is to take it some time: gives up only at a stop, when it can never
 * be sent as it is (PUBLISH_REFUSED), or when the queue does not answer (PUBLISH_SILENT). */
MUST_CHECK enum publish_status publish_to(struct attempt *a, const char *queue,
                                          const struct message *v, struct err *e);

#endif
