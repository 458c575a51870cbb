/* The result of a task on its way: its delivery is acknowledged once the broker has it. */
#ifndef METERBEAT_WORKER_RUNTIME_PENDING_RESULT_H
#define METERBEAT_WORKER_RUNTIME_PENDING_RESULT_H

#include "worker/runtime/handover.h"

/* Made by the executor, carried by its delivery, published by the I/O thread. */
struct pending_result {
    struct publish_request request; /* of one publication */
    struct publication publication; /* to queue, of message */
    struct message message;         /* owned */
    char *queue;                    /* owned */
    int refusals;
};

/* Takes over `result`, also when it fails (NULL: no memory). `to` is copied. */
struct pending_result *pending_result_new(struct message *result, const char *to);
/* NULL accepted. */
void pending_result_free(struct pending_result *r);
/* Its publication was answered. True: it is confirmed, or given up as Celery does with a result
 * that nobody takes (logged): its queue has refused it three times, did not answer, or it cannot be
 * sent. False: it is to be published again, from request.not_before_ms on. */
bool pending_result_is_over(struct pending_result *r, int64_t now_ms);

#endif
