/* Where the I/O thread and the executor meet: two lists under one lock, woken only when asleep. */
#include "worker/runtime/handover.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/thread.h"

/* So many brief deliveries are taken at once. */
#define TAKEN_AT_ONCE 16

struct delivery_list {
    struct delivery *first, *last;
};

struct handover {
    pthread_mutex_t lock;
    pthread_cond_t for_executor; /* a delivery, an answer, a stop */
    struct delivery_list given;
    struct delivery_list settled;
    struct publish_request *requests, *last_request;
    bool executor_waits;  /* for anything */
    size_t settled_count; /* since the I/O thread was woken for them */
    bool io_wanted;       /* since it last collected */
    bool io_sleeps;       /* wanting it must write to the eventfd */
    bool io_signalled;
    bool ended;
    atomic_int stop;
    _Atomic uint64_t epoch;
    _Atomic int64_t done;
    int eventfd;
};

/* --- making --------------------------------------------------------------------------------------
 */

struct handover *handover_new(void)
{
    struct handover *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->eventfd < 0) {
        free(h);
        return NULL;
    }
    thread_cond_init(&h->for_executor);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void free_deliveries(struct delivery *d)
{
    while (d) {
        struct delivery *next = d->next;
        delivery_release(d);
        d = next;
    }
}

void handover_free(struct handover *h)
{
    if (!h)
        return;
    free_deliveries(h->given.first);
    free_deliveries(h->settled.first);
    pthread_cond_destroy(&h->for_executor);
    pthread_mutex_destroy(&h->lock);
    close(h->eventfd);
    free(h);
}

/* --- under the lock ------------------------------------------------------------------------------
 */

static void list_append(struct delivery_list *list, struct delivery *d)
{
    d->next = NULL;
    if (list->last)
        list->last->next = d;
    else
        list->first = d;
    list->last = d;
}

static struct delivery *list_take_all(struct delivery_list *list)
{
    struct delivery *first = list->first;
    *list = (struct delivery_list){NULL, NULL};
    return first;
}

static void wake_io(struct handover *h)
{
    h->io_wanted = true;
    if (!h->io_sleeps)
        return;
    h->io_sleeps = false;
    h->io_signalled = true;
    ssize_t written = write(h->eventfd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* fails only when it is readable already */
}

static void wake_executor(struct handover *h)
{
    if (h->executor_waits)
        pthread_cond_signal(&h->for_executor);
}

/* False: the time is over. May return early for no reason, as conditions do. */
static bool executor_wait(struct handover *h, int64_t deadline_ms)
{
    struct timespec deadline = clock_timespec(deadline_ms);
    h->executor_waits = true;
    int status = pthread_cond_timedwait(&h->for_executor, &h->lock, &deadline);
    h->executor_waits = false;
    return status == 0;
}

/* --- any thread ----------------------------------------------------------------------------------
 */

void handover_stop(struct handover *h, enum stop level)
{
    pthread_mutex_lock(&h->lock);
    if ((int)level > atomic_load(&h->stop))
        atomic_store(&h->stop, (int)level);
    wake_executor(h);
    wake_io(h);
    pthread_mutex_unlock(&h->lock);
}

enum stop handover_stopping(const struct handover *h)
{
    return (enum stop)atomic_load_explicit(&h->stop, memory_order_relaxed);
}

void handover_wake_io(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    wake_io(h);
    pthread_mutex_unlock(&h->lock);
}

void handover_count_done(struct handover *h)
{
    atomic_fetch_add_explicit(&h->done, 1, memory_order_relaxed);
}

int64_t handover_done(const struct handover *h)
{
    return atomic_load_explicit(&h->done, memory_order_relaxed);
}

uint64_t handover_epoch(const struct handover *h)
{
    return atomic_load_explicit(&h->epoch, memory_order_relaxed);
}

/* --- I/O thread ----------------------------------------------------------------------------------
 */

void handover_give(struct handover *h, struct delivery *list)
{
    pthread_mutex_lock(&h->lock);
    for (struct delivery *next; list; list = next) {
        next = list->next;
        list_append(&h->given, list);
    }
    wake_executor(h);
    pthread_mutex_unlock(&h->lock);
}

struct delivery *handover_next_epoch(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    atomic_fetch_add(&h->epoch, 1);
    struct delivery *void_ones = list_take_all(&h->given);
    pthread_mutex_unlock(&h->lock);
    return void_ones;
}

struct delivery *handover_take_back(struct handover *h, const char *queue)
{
    struct delivery_list kept = {NULL, NULL}, back = {NULL, NULL};
    pthread_mutex_lock(&h->lock);
    for (struct delivery *d = list_take_all(&h->given), *next; d; d = next) {
        next = d->next;
        list_append(strcmp(d->queue, queue) == 0 ? &back : &kept, d);
    }
    h->given = kept;
    pthread_mutex_unlock(&h->lock);
    return back.first;
}

void handover_collect(struct handover *h, struct delivery **ret_settled,
                      struct publish_request **ret_requests)
{
    pthread_mutex_lock(&h->lock);
    *ret_settled = list_take_all(&h->settled);
    *ret_requests = h->requests;
    h->requests = h->last_request = NULL;
    h->io_wanted = false;
    pthread_mutex_unlock(&h->lock);
}

void handover_answer(struct handover *h, struct publish_request *request)
{
    pthread_mutex_lock(&h->lock);
    request->answered = true;
    wake_executor(h);
    pthread_mutex_unlock(&h->lock);
}

int handover_fd(const struct handover *h)
{
    return h->eventfd;
}

bool handover_sleep(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    h->io_sleeps = !h->io_wanted;
    bool sleeps = h->io_sleeps;
    pthread_mutex_unlock(&h->lock);
    return sleeps;
}

void handover_wake(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    bool signalled = h->io_signalled;
    h->io_sleeps = h->io_signalled = false;
    pthread_mutex_unlock(&h->lock);
    uint64_t count;
    ssize_t got = signalled ? read(h->eventfd, &count, sizeof count) : 0;
    (void)got; /* nothing to read: as good */
}

bool handover_finished(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    bool finished = h->ended && !h->settled.first && !h->requests;
    pthread_mutex_unlock(&h->lock);
    return finished;
}

/* --- executor ------------------------------------------------------------------------------------
 */

struct delivery *handover_take(struct handover *h, int64_t timeout_ms)
{
    int64_t deadline = 0;
    pthread_mutex_lock(&h->lock);
    while (!h->given.first && handover_stopping(h) == STOP_NO) {
        if (!deadline)
            deadline = clock_mono_ms() + timeout_ms;
        if (!executor_wait(h, deadline))
            break;
    }
    struct delivery *taken = h->given.first, *last = taken;
    for (int n = 1; last && last->is_brief && n < TAKEN_AT_ONCE && last->next; n++) {
        if (!last->next->is_brief)
            break;
        last = last->next;
    }
    if (last) {
        h->given.first = last->next;
        if (!last->next)
            h->given.last = NULL;
        last->next = NULL;
    }
    pthread_mutex_unlock(&h->lock);
    return taken;
}

void handover_settle(struct handover *h, struct delivery *list)
{
    pthread_mutex_lock(&h->lock);
    for (struct delivery *next; list; list = next) {
        next = list->next;
        list_append(&h->settled, list);
    }
    wake_io(h);
    pthread_mutex_unlock(&h->lock);
}

bool handover_publish(struct handover *h, struct publication *items, size_t count,
                      int64_t deadline_ms, struct err *e)
{
    struct publish_request request = {.items = items, .count = count, .deadline_ms = deadline_ms};
    pthread_mutex_lock(&h->lock);
    if (h->last_request)
        h->last_request->next = &request;
    else
        h->requests = &request;
    h->last_request = &request;
    wake_io(h);
    while (!request.answered) {
        h->executor_waits = true;
        pthread_cond_wait(&h->for_executor, &h->lock);
        h->executor_waits = false;
    }
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < count; i++) {
        if (items[i].state != PUBLICATION_CONFIRMED) {
            const struct err *why = &items[i].error;
            return err_set(e, why->kind, why->code, "%s", why->text);
        }
    }
    return true;
}

void handover_pause(struct handover *h, int64_t ms, enum stop beyond)
{
    int64_t deadline = clock_mono_ms() + ms;
    pthread_mutex_lock(&h->lock);
    while (handover_stopping(h) < beyond && executor_wait(h, deadline))
        ;
    pthread_mutex_unlock(&h->lock);
}

void handover_end(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    wake_io(h);
    pthread_mutex_unlock(&h->lock);
}
