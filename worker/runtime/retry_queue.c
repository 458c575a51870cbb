/* The retry queues: where a message waits out its delay. */
#include "worker/runtime/retry_queue.h"

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "common/base/clock.h"
#include "common/base/log.h"

/* A retry queue that is missing is made again, with the queue that it belongs to; unless that is
 * not consumed from any more. */
#define MISSING_MAX 2
/* ... and one that refuses this often (somebody has bounded it) may be full because its messages
 * have no room in the work queue, which only we empty: waiting for it could be for ever. */
#define REFUSALS_MAX 5

struct backoff_schedule retry_queue_schedule(const struct settings *s)
{
    return (struct backoff_schedule){s->worker.retry_delays_s, s->worker.retry_delays};
}

/* One retry queue, and how it has answered. */
struct trial {
    int missing, refusals;
    enum publish_status status;
};

static enum give_up after_some_refusals(void *context, size_t index,
                                        const struct publication *failed)
{
    (void)index;
    struct trial *trial = context;
    trial->missing += failed->failure == PUBLISH_FAILED_NO_QUEUE;
    trial->refusals += failed->failure == PUBLISH_FAILED_REFUSED;
    if (trial->missing > MISSING_MAX || trial->refusals > REFUSALS_MAX ||
        failed->failure == PUBLISH_FAILED_FOR_GOOD)
        trial->status = PUBLISH_REFUSED;
    else if (failed->failure == PUBLISH_FAILED_SILENT)
        trial->status = PUBLISH_SILENT;
    return trial->status == PUBLISH_STOPPED ? GIVE_UP_NOT_YET : GIVE_UP_STOPPED;
}

/* *ret_is_queues: it is this queue that does not take it, so another may. */
static enum publish_status send_to(struct attempt *a, const char *queue, const struct message *v,
                                   bool *ret_is_queues, struct err *e)
{
    struct trial trial = {.status = PUBLISH_STOPPED};
    struct publication item = {.route = publish_to_queue(queue), .message = v};
    *ret_is_queues = false;
    if (publish_all(a, &item, 1, after_some_refusals, &trial, e))
        return PUBLISH_CONFIRMED;
    /* where it is missing its work queue was deleted: no other would lead back either */
    *ret_is_queues =
        trial.status == PUBLISH_SILENT || (trial.status == PUBLISH_REFUSED && trial.refusals > 0);
    if (*ret_is_queues) {
        unavailable_add(&a->executor->unavailable, queue, clock_mono_ms());
        log_event(
            LOG_LEVEL_ERROR, "retry_queue_unavailable",
            "queue=%s for_s=%d code=%s error=%s do=\"others of worker.retry_delays_s are used "
            "meanwhile; if it has no leader: rabbitmqctl delete_queue (docs/queues.md)\"",
            queue, UNAVAILABLE_FOR_MS / 1000, e->code, e->text);
    }
    return trial.status;
}

enum publish_status retry_queue_send(struct attempt *a, int64_t delay_s, const struct message *v,
                                     struct err *e)
{
    struct backoff_schedule schedule = retry_queue_schedule(a->executor->settings);
    char queue[BROKER_QUEUE_NAME];
    enum publish_status status = PUBLISH_SILENT;
    bool is_queues, was_tried = false;
    int64_t other_s = delay_s;
    for (size_t n = 0; other_s; other_s = retry_delay_instead(schedule, delay_s, n++)) {
        broker_retry_queue(a->delivery->queue, other_s, queue);
        if (unavailable_has(&a->executor->unavailable, queue, clock_mono_ms()))
            continue;
        was_tried = true;
        status = send_to(a, queue, v, &is_queues, e);
        if (!is_queues)
            return status;
    }
    if (!was_tried)
        status =
            send_to(a, broker_retry_queue(a->delivery->queue, delay_s, queue), v, &is_queues, e);
    return status;
}
