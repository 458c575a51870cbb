/* The dead-letter queue, with the reason: where what cannot be done for good goes. */
#include "worker/runtime/dead_letter.h"

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "worker/runtime/republish.h"

static enum publish_status send(struct attempt *a, const struct message *v,
                                const struct dead_letter_reason *reason, bool is_bare,
                                struct err *e)
{
    char queue[BROKER_QUEUE_NAME];
    struct message dead;
    if (!republish_dead(v, reason, is_bare, &dead, e))
        return PUBLISH_STOPPED;
    enum publish_status status =
        publish_to(a, broker_dead_queue(a->executor->settings, queue), &dead, e);
    republish_free(&dead);
    return status;
}

enum publish_status dead_letter_send(struct attempt *a, const struct message *v,
                                     const struct err *why, int64_t attempts, const char *queue,
                                     struct err *e)
{
    const struct dead_letter_reason reason = {.why = why,
                                              .attempts = attempts,
                                              .queue = queue,
                                              .worker = a->executor->name,
                                              .now_ms = clock_wall_ms()};
    enum publish_status status = send(a, v, &reason, false, e);
    if (status == PUBLISH_REFUSED) /* its headers fill a frame already: they stay behind */
        status = send(a, v, &reason, true, e);
    if (status != PUBLISH_CONFIRMED)
        log_error(LOG_LEVEL_WARNING, "dead_letter_not_sent", e);
    return status;
}
