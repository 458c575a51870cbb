/* How many messages the broker has for a work queue, wherever they wait. */
#include "common/amqp/queue_depth.h"

#include <string.h>

#include "common/amqp/topology.h"

/* 0 for a queue that is not there, or that cannot say: it must not hide what the others hold. */
static bool depth_of(struct broker *b, const char *queue, bool *ret_there, int64_t *ret_ready,
                     struct err *e)
{
    uint32_t ready = 0, consumers;
    struct err why = {0};
    *ret_there = broker_queue_depth(b, queue, &ready, &consumers, &why);
    *ret_ready = ready;
    if (*ret_there || strcmp(why.code, "broker_lost") != 0) {
        *ret_there |= strcmp(why.code, "no_queue") != 0;
        return true;
    }
    *e = why;
    return false;
}

/* With what stands in for it, as far as is known: to ask for a queue that is not there costs the
 * channel, and a line in RabbitMQ's log, each time. */
static bool add_rung(struct broker *b, const char *rung, const struct retry_queues *r,
                     int64_t *messages, struct err *e)
{
    bool is_rung;
    int64_t ready;
    const char *stand_in = json_string_value(json_object_get(r->stand_ins, rung));
    if (!depth_of(b, rung, &is_rung, &ready, e))
        return false;
    *messages += ready;
    if (!stand_in)
        return true;
    if (!depth_of(b, stand_in, &is_rung, &ready, e))
        return false;
    *messages += ready;
    return true;
}

bool broker_work_depth(struct broker *b, const struct settings *s, const char *queue,
                       const struct retry_queues *r, bool *ret_there, int64_t *ret_messages,
                       struct err *e)
{
    char rung[BROKER_QUEUE_NAME];
    if (!depth_of(b, queue, ret_there, ret_messages, e))
        return false;
    for (size_t i = 0; i <= s->worker.retry_delays; i++) {
        int64_t delay_s =
            i < s->worker.retry_delays ? s->worker.retry_delays_s[i] : BROKER_SHORT_RUNG_S;
        if (i == s->worker.retry_delays && delay_s == s->worker.retry_delays_s[0])
            break;
        if (!add_rung(b, broker_retry_queue(queue, delay_s, rung), r, ret_messages, e))
            return false;
    }
    return true;
}
