/* `status`, the queues: ready and consumers by AMQP, unacknowledged by the management API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/management.h"
#include "ctl/queue_findings.h"
#include "ctl/cmd_status.h"
#include "common/amqp/topology.h"

static json_t *unacknowledged(const struct settings *s, const char *queue)
{
    json_t *answer = management_queue(s, queue);
    json_t *count = json_object_get(answer, "messages_unacknowledged");
    json_t *result = json_is_integer(count) ? json_incref(count) : json_null();
    json_decref(answer);
    return result;
}

static bool add_queue(struct session *s, const char *name, json_t *queues, struct err *e)
{
    uint32_t ready = 0, consumers = 0;
    struct err why = {0};
    bool there = broker_queue_depth(s->broker, name, &ready, &consumers, &why);
    if (!there && strcmp(why.code, "no_queue") != 0)
        return err_set(e, why.kind, why.code, "%s", why.text);
    json_t *queue =
        json_pack("{s:s, s:b, s:I, s:I, s:o}", "name", name, "exists", there, "ready",
                  (json_int_t)ready, "consumers", (json_int_t)consumers, "unacknowledged",
                  there ? unacknowledged(s->settings, name) : json_null());
    return json_array_append_new(queues, queue) == 0 ||
           err_set(e, ERR_RETRY, "no_memory", "no memory");
}

/* With the one that stands in for it during an upgrade, if there is any. */
static bool add_retry_queue(struct session *s, int64_t delay_s, json_t *queues, struct err *e)
{
    const char *queue = s->settings->broker.queue;
    char name[BROKER_QUEUE_NAME];
    uint32_t ready, consumers;
    struct err ignored;
    if (!add_queue(s, broker_retry_queue(queue, delay_s, name), queues, e))
        return false;
    broker_retry_stand_in(queue, delay_s, name);
    return !broker_queue_depth(s->broker, name, &ready, &consumers, &ignored) ||
           add_queue(s, name, queues, e);
}

bool status_queues(struct session *s, json_t *status, struct err *e)
{
    char name[BROKER_QUEUE_NAME];
    json_t *queues = json_array(), *findings = json_array();
    bool made = json_object_set_new(status, "queues", queues) == 0;
    if (json_object_set_new(status, "findings", findings) != 0 || !made)
        return err_set(e, ERR_RETRY, "no_memory", "no memory");
    if (!add_queue(s, s->settings->broker.queue, queues, e))
        return false;
    for (size_t i = 0; i < s->settings->worker.retry_delays; i++)
        if (!add_retry_queue(s, s->settings->worker.retry_delays_s[i], queues, e))
            return false;
    return add_queue(s, broker_dead_queue(s->settings, name), queues, e) &&
           queue_findings(s, findings, e);
}
