/* Queues that did not take a message lately. */
#include "worker/runtime/unavailable.h"

#include <stdio.h>
#include <string.h>

void unavailable_add(struct unavailable_queues *s, const char *queue, int64_t now_ms)
{
    size_t at = 0;
    for (size_t i = 0; i < UNAVAILABLE_MAX; i++) {
        if (strcmp(s->queues[i].queue, queue) == 0) {
            at = i;
            break;
        }
        if (s->queues[i].until_ms < s->queues[at].until_ms)
            at = i;
    }
    snprintf(s->queues[at].queue, sizeof s->queues[at].queue, "%s", queue);
    s->queues[at].until_ms = now_ms + UNAVAILABLE_FOR_MS;
}

bool unavailable_has(const struct unavailable_queues *s, const char *queue, int64_t now_ms)
{
    for (size_t i = 0; i < UNAVAILABLE_MAX; i++)
        if (s->queues[i].until_ms > now_ms && strcmp(s->queues[i].queue, queue) == 0)
            return true;
    return false;
}
