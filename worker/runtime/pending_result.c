/* The result of a task on its way: its delivery is acknowledged once the broker has it. */
#include "worker/runtime/pending_result.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

/* What the broker refuses this often, the client's queue does not want. */
#define REFUSALS_MAX 3
#define REFUSED_PAUSE_MS 1000

struct pending_result *pending_result_new(struct message *result, const char *to)
{
    struct pending_result *r = calloc(1, sizeof *r);
    char *queue = strdup(to);
    if (!r || !queue) {
        message_free(result);
        free(queue);
        free(r);
        return NULL;
    }
    r->message = *result;
    *result = (struct message){.priority = -1};
    r->queue = queue;
    r->publication = (struct publication){
        .route = {.exchange = "", .routing_key = queue, .optional = true, .transient = true},
        .message = &r->message};
    r->request =
        (struct publish_request){.items = &r->publication, .count = 1, .deadline_ms = INT64_MAX};
    return r;
}

void pending_result_free(struct pending_result *r)
{
    if (!r)
        return;
    message_free(&r->message);
    free(r->queue);
    free(r);
}

bool pending_result_is_over(struct pending_result *r, int64_t now_ms)
{
    struct publication *p = &r->publication;
    if (p->state == PUBLICATION_CONFIRMED)
        return true;
    bool is_refused = p->failure == PUBLISH_FAILED_REFUSED || p->failure == PUBLISH_FAILED_NO_QUEUE;
    bool is_hopeless = p->failure == PUBLISH_FAILED_SILENT || p->failure == PUBLISH_FAILED_FOR_GOOD;
    r->refusals += is_refused;
    if (is_hopeless || r->refusals >= REFUSALS_MAX) {
        log_event(LOG_LEVEL_WARNING, "result_refused", "task_id=%s code=%s error=%s",
                  r->message.correlation_id ? r->message.correlation_id : "-", p->error.code,
                  p->error.text);
        return true;
    }
    p->state = PUBLICATION_WAITING;
    r->request.not_before_ms = is_refused ? now_ms + REFUSED_PAUSE_MS : 0;
    r->request.deadline_ms = INT64_MAX;
    return false;
}
