/* One hand-over of a message by RabbitMQ to this worker: shared, and freed with the last holder. */
#include "worker/runtime/delivery.h"

#include <stdlib.h>

#include "worker/runtime/pending_result.h"

struct delivery *delivery_new(void)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (d)
        atomic_init(&d->references, 1);
    return d;
}

void delivery_refer(struct delivery *d)
{
    atomic_fetch_add_explicit(&d->references, 1, memory_order_relaxed);
}

void delivery_release(struct delivery *d)
{
    if (atomic_fetch_sub(&d->references, 1) > 1)
        return;
    message_free(&d->message);
    pending_result_free(d->result);
    free(d);
}
