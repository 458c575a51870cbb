/* Results of brief tasks on their way: sent, confirmed, their deliveries acknowledged. */
#include "worker/runtime/replies.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

#define REFUSED_PAUSE_MS 1000

static void reply_free(struct reply *reply)
{
    envelope_free(&reply->envelope);
    free(reply->queue);
    free(reply);
}

static void list_append(struct reply_list *list, struct reply *reply)
{
    reply->next = NULL;
    if (list->last)
        list->last->next = reply;
    else
        list->first = reply;
    list->last = reply;
}

static void list_remove(struct reply_list *list, struct reply *reply)
{
    struct reply *before = NULL;
    for (struct reply *at = list->first; at != reply; at = at->next)
        before = at;
    if (before)
        before->next = reply->next;
    else
        list->first = reply->next;
    if (list->last == reply)
        list->last = before;
}

bool replies_add(struct replies *r, struct envelope *envelope, char *queue, uint64_t tag)
{
    struct reply *reply = calloc(1, sizeof *reply);
    if (!reply) {
        envelope_free(envelope);
        free(queue);
        return false;
    }
    *reply = (struct reply){.envelope = *envelope, .queue = queue, .tag = tag};
    *envelope = (struct envelope){.priority = -1};
    reply->publication = (struct publication){
        .route = {.exchange = "", .routing_key = queue, .optional = true, .transient = true},
        .envelope = &reply->envelope};
    list_append(&r->waiting, reply);
    return true;
}

/* Confirms come in the order of publishing: mostly it is the first. */
struct reply *replies_find(const struct replies *r, uint64_t number)
{
    for (struct reply *reply = r->waiting.first; reply; reply = reply->next)
        if (reply->publication.state == PUBLICATION_SENT && reply->publication.number == number)
            return reply;
    return NULL;
}

void replies_answer(struct replies *r, struct reply *reply)
{
    list_remove(&r->waiting, reply);
    list_append(&r->answered, reply);
}

void replies_refuse(struct replies *r, struct reply *reply, const char *why, int64_t now_ms)
{
    reply->publication.state = PUBLICATION_WAITING;
    reply->not_before_ms = now_ms + REFUSED_PAUSE_MS;
    if (++reply->refusals < REPLY_REFUSALS_MAX)
        return;
    log_event(LOG_LEVEL_WARNING, "result_refused", "task_id=%s error=%s",
              reply->envelope.correlation_id, why);
    replies_answer(r, reply);
}

void replies_drop(struct replies *r, const char *queue, const char *why)
{
    struct reply *reply = r->waiting.first, *next;
    for (; reply; reply = next) {
        next = reply->next;
        if (strcmp(reply->queue, queue) != 0)
            continue;
        log_event(LOG_LEVEL_WARNING, "result_refused", "task_id=%s error=%s",
                  reply->envelope.correlation_id, why);
        replies_answer(r, reply);
    }
}

void replies_send_again(struct replies *r)
{
    for (struct reply *reply = r->waiting.first; reply; reply = reply->next)
        reply->publication.state = PUBLICATION_WAITING;
}

bool replies_take_answered(struct replies *r, uint64_t *ret_tag)
{
    struct reply *reply = r->answered.first;
    if (!reply)
        return false;
    *ret_tag = reply->tag;
    list_remove(&r->answered, reply);
    reply_free(reply);
    return true;
}

static void list_free(struct reply_list *list)
{
    while (list->first) {
        struct reply *next = list->first->next;
        reply_free(list->first);
        list->first = next;
    }
    list->last = NULL;
}

void replies_clear(struct replies *r)
{
    list_free(&r->waiting);
    list_free(&r->answered);
}
