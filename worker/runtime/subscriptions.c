/* The queues this worker is to consume from: the configured one, and what remote control adds. */
#include "worker/runtime/subscriptions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct subscriptions {
    struct handover *handover;
    pthread_mutex_t lock;
    atomic_uint version;
    size_t count;
    struct subscription wanted[SUBSCRIPTIONS_MAX];
};

struct subscriptions *subscriptions_new(struct handover *h, const char *queue)
{
    struct subscriptions *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->handover = h;
    pthread_mutex_init(&s->lock, NULL);
    strncpy(s->wanted[0].queue, queue, sizeof s->wanted[0].queue - 1);
    s->count = 1;
    return s;
}

void subscriptions_free(struct subscriptions *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Its index, or the count when it is not among them. */
static size_t find(const struct subscriptions *s, const char *queue)
{
    size_t i = 0;
    while (i < s->count && strcmp(s->wanted[i].queue, queue) != 0)
        i++;
    return i;
}

static void changed(struct subscriptions *s)
{
    atomic_fetch_add(&s->version, 1);
    handover_wake_io(s->handover);
}

bool subscriptions_add(struct subscriptions *s, const struct subscription *wanted, struct err *e)
{
    if (!wanted->queue[0] || strlen(wanted->queue) > SUBSCRIPTIONS_NAME_MAX)
        return err_set(e, ERR_REJECT, "bad_queue", "a queue's name has 1 to %d bytes",
                       SUBSCRIPTIONS_NAME_MAX);
    pthread_mutex_lock(&s->lock);
    size_t at = find(s, wanted->queue);
    bool is_new = at == s->count, fits = at < SUBSCRIPTIONS_MAX;
    if (is_new && fits)
        s->wanted[s->count++] = *wanted;
    pthread_mutex_unlock(&s->lock);
    if (!fits)
        return err_set(e, ERR_REJECT, "too_many_queues", "a worker consumes from at most %d queues",
                       SUBSCRIPTIONS_MAX);
    changed(s); /* also one that was left out */
    return true;
}

bool subscriptions_cancel(struct subscriptions *s, const char *queue)
{
    pthread_mutex_lock(&s->lock);
    size_t at = find(s, queue);
    bool found = at < s->count;
    if (found)
        memmove(&s->wanted[at], &s->wanted[at + 1], (--s->count - at) * sizeof s->wanted[0]);
    pthread_mutex_unlock(&s->lock);
    if (found)
        changed(s);
    return found;
}

size_t subscriptions_list(const struct subscriptions *s, struct subscription *out, size_t max)
{
    struct subscriptions *locked = (struct subscriptions *)s;
    pthread_mutex_lock(&locked->lock);
    size_t count = s->count < max ? s->count : max;
    memcpy(out, s->wanted, count * sizeof *out);
    pthread_mutex_unlock(&locked->lock);
    return count;
}

unsigned subscriptions_version(const struct subscriptions *s)
{
    return atomic_load(&s->version);
}
