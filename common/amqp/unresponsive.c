/* Queues that did not answer in time, and when each is tried again. */
#include "common/amqp/unresponsive.h"

#include <stdio.h>
#include <string.h>

static struct unresponsive_queue *find(struct unresponsive *u, const char *queue)
{
    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->queues[i].queue, queue) == 0)
            return &u->queues[i];
    return NULL;
}

bool unresponsive_has(const struct unresponsive *u, const char *queue)
{
    return find((struct unresponsive *)u, queue) != NULL;
}

void unresponsive_suspect(struct unresponsive *u, const char *queue, int64_t now_ms)
{
    if (find(u, queue) || u->count == UNRESPONSIVE_MAX)
        return;
    struct unresponsive_queue *q = &u->queues[u->count++];
    *q = (struct unresponsive_queue){.due_ms = now_ms};
    snprintf(q->queue, sizeof q->queue, "%s", queue);
}

bool unresponsive_confirm(struct unresponsive *u, const char *queue, int64_t now_ms)
{
    unresponsive_suspect(u, queue, now_ms);
    struct unresponsive_queue *q = find(u, queue);
    if (!q)
        return false;
    bool is_news = q->pause_ms == 0;
    q->pause_ms = is_news                                     ? UNRESPONSIVE_FIRST_MS
                  : 2 * q->pause_ms < UNRESPONSIVE_LONGEST_MS ? 2 * q->pause_ms
                                                              : UNRESPONSIVE_LONGEST_MS;
    q->due_ms = now_ms + q->pause_ms;
    return is_news;
}

bool unresponsive_forget(struct unresponsive *u, const char *queue)
{
    struct unresponsive_queue *q = find(u, queue);
    bool was_known = q && q->pause_ms > 0;
    if (q)
        *q = u->queues[--u->count];
    return was_known;
}

void unresponsive_idle(struct unresponsive *u, const char *queue, int64_t now_ms)
{
    struct unresponsive_queue *q = find(u, queue);
    if (q && q->pause_ms == 0) /* only suspected: nothing speaks against it any more */
        (void)unresponsive_forget(u, queue);
    else if (q) {
        q->pause_ms = UNRESPONSIVE_FIRST_MS;
        q->due_ms = now_ms + UNRESPONSIVE_IDLE_MS;
    }
}

const struct unresponsive_queue *unresponsive_due(const struct unresponsive *u, int64_t now_ms)
{
    const struct unresponsive_queue *first = NULL;
    for (size_t i = 0; i < u->count; i++)
        if (u->queues[i].due_ms <= now_ms && (!first || u->queues[i].due_ms < first->due_ms))
            first = &u->queues[i];
    return first;
}

int64_t unresponsive_next_ms(const struct unresponsive *u)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < u->count; i++)
        if (u->queues[i].due_ms < next)
            next = u->queues[i].due_ms;
    return next;
}

int64_t unresponsive_patience_ms(const struct unresponsive_queue *q, int64_t most_ms)
{
    int64_t patience = q->pause_ms ? q->pause_ms / 10 : most_ms / 3;
    if (patience < UNRESPONSIVE_PATIENCE_MS)
        patience = UNRESPONSIVE_PATIENCE_MS;
    return patience < most_ms ? patience : most_ms;
}

json_t *unresponsive_names(const struct unresponsive *u)
{
    json_t *names = u->count ? json_array() : NULL;
    for (size_t i = 0; names && i < u->count; i++)
        if (json_array_append_new(names, json_string(u->queues[i].queue)) != 0) {
            json_decref(names);
            names = NULL;
        }
    return names;
}
