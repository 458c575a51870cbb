/* A thread that says when it ends: joining with a time limit is not in POSIX, and thread sanitizers
 * do not follow GNU's pthread_clockjoin_np. */
#include "common/base/thread.h"

#include <stdlib.h>

#include "common/base/clock.h"

struct thread {
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t has_ended;
    bool ended;
    void (*run)(void *);
    void *context;
};

void thread_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void *thread_main(void *context)
{
    struct thread *t = context;
    t->run(t->context);
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_signal(&t->has_ended);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void thread_free(struct thread *t)
{
    pthread_cond_destroy(&t->has_ended);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct thread *thread_start(void (*run)(void *), void *context, size_t stack_bytes)
{
    struct thread *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct thread){.run = run, .context = context};
    thread_cond_init(&t->has_ended);
    pthread_mutex_init(&t->lock, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    bool started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                   pthread_create(&t->id, &attributes, thread_main, t) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        thread_free(t);
        return NULL;
    }
    return t;
}

bool thread_join(struct thread *t, int64_t timeout_ms)
{
    struct timespec end = clock_timespec(clock_mono_ms() + timeout_ms);
    pthread_mutex_lock(&t->lock);
    while (!t->ended && pthread_cond_timedwait(&t->has_ended, &t->lock, &end) == 0)
        ;
    bool ended = t->ended;
    pthread_mutex_unlock(&t->lock);
    if (!ended)
        return false;
    pthread_join(t->id, NULL); /* all it has left to do is to return */
    thread_free(t);
    return true;
}
