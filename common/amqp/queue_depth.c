/* How many messages the broker has for a work queue, wherever they wait. */
#include <string.h>

#include "common/amqp/connection.h"

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

bool broker_work_depth(struct broker *b, const struct settings *s, const char *queue,
                       bool *ret_there, int64_t *ret_messages, struct err *e)
{
    char rung[BROKER_QUEUE_NAME];
    bool is_rung;
    int64_t ready;
    if (!depth_of(b, queue, ret_there, ret_messages, e))
        return false;
    for (size_t i = 0; i <= s->worker.retry_delays; i++) {
        int64_t delay_s =
            i < s->worker.retry_delays ? s->worker.retry_delays_s[i] : BROKER_SHORT_RUNG_S;
        if (i == s->worker.retry_delays && delay_s == s->worker.retry_delays_s[0])
            break;
        if (!depth_of(b, broker_retry_queue(queue, delay_s, rung), &is_rung, &ready, e))
            return false;
        *ret_messages += ready;
        if (!depth_of(b, broker_retry_stand_in(queue, delay_s, rung), &is_rung, &ready, e))
            return false;
        *ret_messages += ready;
    }
    return true;
}
