/* Publishing from the executor: again and again until the broker has confirmed it. */
#include "worker/runtime/publish_request.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "worker/runtime/attempt.h"

#define PUBLISH_PAUSE_MS 500
#define PUBLISH_PAUSE_MAX_MS 15000

/* Asks about each that failed. False: all are given up. *ret_left: how many are not confirmed. */
static bool give_up_some(struct publication *items, size_t count, publish_give_up *give_up,
                         void *context, size_t *ret_left, struct err *e)
{
    *ret_left = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].state != PUBLICATION_FAILED)
            continue;
        switch (give_up(context, i, &items[i])) {
        case GIVE_UP:
            items[i].state = PUBLICATION_CONFIRMED;
            break;
        case GIVE_UP_STOPPED:
            *e = items[i].error;
            return false;
        case GIVE_UP_NOT_YET:
            ++*ret_left;
            break;
        }
    }
    return true;
}

bool publish_all(struct attempt *a, struct publication *items, size_t count,
                 publish_give_up *give_up, void *context, struct err *e)
{
    struct executor_context *x = a->executor;
    const struct settings *s = x->settings;
    int64_t patience_ms = 1000 * (s->broker.connect_timeout_s + s->broker.confirm_timeout_s);
    size_t left;
    for (int64_t pause_ms = PUBLISH_PAUSE_MS;; pause_ms *= 2) {
        if (x->port.publish(x->port.context, items, count, clock_mono_ms() + patience_ms, e))
            return true;
        if (!give_up_some(items, count, give_up, context, &left, e) ||
            handover_stopping(x->handover) == STOP_NOW || attempt_is_void(a))
            return false;
        if (left == 0)
            return true;
        log_error(LOG_LEVEL_WARNING, "publish_failed", e);
        x->port.pause(x->port.context,
                      pause_ms < PUBLISH_PAUSE_MAX_MS ? pause_ms : PUBLISH_PAUSE_MAX_MS, STOP_NOW);
        for (size_t i = 0; i < count; i++) /* what the broker has is not sent again */
            if (items[i].state == PUBLICATION_FAILED)
                items[i].state = PUBLICATION_WAITING;
    }
}

static enum give_up only_if_hopeless(void *context, size_t index, const struct publication *failed)
{
    (void)context, (void)index;
    bool is_hopeless =
        failed->failure == PUBLISH_FAILED_SILENT || failed->failure == PUBLISH_FAILED_FOR_GOOD;
    return is_hopeless ? GIVE_UP_STOPPED : GIVE_UP_NOT_YET;
}

enum publish_status publish_to(struct attempt *a, const char *queue, const struct message *v,
                               struct err *e)
{
    struct publication item = {.route = publish_to_queue(queue), .message = v};
    if (publish_all(a, &item, 1, only_if_hopeless, NULL, e))
        return PUBLISH_CONFIRMED;
    return item.failure == PUBLISH_FAILED_SILENT     ? PUBLISH_SILENT
           : item.failure == PUBLISH_FAILED_FOR_GOOD ? PUBLISH_REFUSED
                                                     : PUBLISH_STOPPED;
}
