/* Revoked ids that outlive the worker: read and written by a thread that alone waits for the
 * database. */
#include "worker/control/revocations.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/backoff.h"
#include "common/base/thread.h"
#include "common/store/revoked_task.h"

#define STACK_BYTES (1024UL * 1024)
#define SAVED_AT_ONCE 1000
#define PAUSE_MAX_MS 30000

struct revocations {
    const struct settings *settings;
    struct state *state;
    const char *name;
    struct backoff backoff;
    bool loaded, is_logged;
    struct thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    json_t *unsaved; /* a list of texts */
    size_t saving;   /* of those, how many are on their way: from the front */
    bool ending;
};

/* --- any thread ---------------------------------------------------------------------------- */

void revocations_save(struct revocations *r, const json_t *ids)
{
    size_t i;
    json_t *id;
    pthread_mutex_lock(&r->lock);
    json_array_foreach((json_t *)ids, i, id) {
        if (json_array_size(r->unsaved) < (size_t)r->settings->worker.max_revoked)
            (void)json_array_append(r->unsaved, id); /* without memory it is known here alone */
    }
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

bool revocations_await(struct revocations *r, int64_t most_ms)
{
    struct timespec end = clock_timespec(clock_mono_ms() + most_ms);
    pthread_mutex_lock(&r->lock);
    while (json_array_size(r->unsaved) > 0 &&
           pthread_cond_timedwait(&r->changed, &r->lock, &end) == 0)
        ;
    bool saved = json_array_size(r->unsaved) == 0;
    pthread_mutex_unlock(&r->lock);
    return saved;
}

/* --- the thread ---------------------------------------------------------------------------- */

static void take_revoked(void *context, const char *task_id, int64_t age_ms)
{
    struct revocations *r = context;
    (void)state_revoked_before(r->state, task_id, age_ms); /* without memory: one is missing */
}

static bool load(struct revocations *r, struct pg *pg, struct err *e)
{
    const struct settings *s = r->settings;
    size_t count = 0;
    if (r->loaded)
        return true;
    if (!revoked_load(pg, s->worker.revoked_s, s->worker.max_revoked, take_revoked, r, &count, e))
        return false;
    r->loaded = true;
    log_event(LOG_LEVEL_INFO, "revoked_loaded", "count=%zu", count);
    return true;
}

/* A copy of the first ids that wait, as JSON text; NULL: none. */
static char *some_unsaved(struct revocations *r)
{
    char *text = NULL;
    pthread_mutex_lock(&r->lock);
    size_t count = json_array_size(r->unsaved);
    r->saving = count < SAVED_AT_ONCE ? count : SAVED_AT_ONCE;
    json_t *some = r->saving ? json_array() : NULL;
    for (size_t i = 0; some && i < r->saving; i++)
        (void)json_array_append(some, json_array_get(r->unsaved, i));
    if (some)
        text = json_dumps(some, JSON_COMPACT);
    json_decref(some);
    pthread_mutex_unlock(&r->lock);
    return text;
}

static void forget_saved(struct revocations *r)
{
    pthread_mutex_lock(&r->lock);
    json_t *rest = json_array();
    for (size_t i = r->saving; rest && i < json_array_size(r->unsaved); i++)
        (void)json_array_append(rest, json_array_get(r->unsaved, i));
    if (rest) {
        json_decref(r->unsaved);
        r->unsaved = rest;
    } else {
        (void)json_array_clear(r->unsaved); /* no memory: what waits is known here alone */
    }
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static bool save(struct revocations *r, struct pg *pg, struct err *e)
{
    char *ids;
    while ((ids = some_unsaved(r))) {
        bool saved = revoked_save(pg, ids, e);
        free(ids);
        if (!saved && e->kind != ERR_REJECT)
            return false;
        if (!saved) /* no text for a database: it would only be refused again */
            log_error(LOG_LEVEL_WARNING, "revoked_not_saved", e);
        forget_saved(r);
    }
    return true;
}

/* Connected for as long as it takes: a worker that waits holds no connection for this. */
static bool use_database(struct revocations *r, struct err *e)
{
    struct pg *pg = pg_new(r->settings, r->name);
    bool done = pg ? pg_ready(pg, e) && load(r, pg, e) && save(r, pg, e)
                   : err_set(e, ERR_RETRY, "no_memory", "no memory for a connection");
    pg_free(pg);
    return done;
}

static void work(struct revocations *r)
{
    struct err e;
    if (use_database(r, &e)) {
        backoff_succeeded(&r->backoff, clock_mono_ms());
        r->is_logged = false;
    } else {
        if (!r->is_logged)
            log_error(LOG_LEVEL_WARNING, "revoked_not_kept", &e);
        r->is_logged = true;
        (void)backoff_later(&r->backoff, clock_mono_ms());
    }
    state_revoked_known(r->state);
}

static bool has_work(const struct revocations *r)
{
    return !r->loaded || json_array_size(r->unsaved) > 0;
}

/* Until there is something to do and its time has come; false: the end. */
static bool wait_for_work(struct revocations *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->ending && (!has_work(r) || !backoff_due(&r->backoff, clock_mono_ms()))) {
        int64_t wait_ms = has_work(r) ? backoff_in(&r->backoff, clock_mono_ms()) : PAUSE_MAX_MS;
        struct timespec end = clock_timespec(clock_mono_ms() + wait_ms);
        (void)pthread_cond_timedwait(&r->changed, &r->lock, &end); /* looked at again */
    }
    bool go_on = !r->ending;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void revocations_thread(void *context)
{
    struct revocations *r = context;
    while (wait_for_work(r))
        work(r);
    if (has_work(r) && r->loaded && !r->is_logged)
        work(r);
}

/* --- starting and ending ------------------------------------------------------------------- */

static void revocations_free(struct revocations *r)
{
    json_decref(r->unsaved);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

bool revocations_start(const struct settings *s, const char *name, struct state *st,
                       struct revocations **ret_revocations, struct err *e)
{
    struct revocations *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_FATAL, "no_thread", "no memory for the revoked ids");
    *r = (struct revocations){.settings = s,
                              .state = st,
                              .name = name,
                              .backoff = backoff_make(PAUSE_MAX_MS),
                              .unsaved = json_array()};
    thread_cond_init(&r->changed);
    pthread_mutex_init(&r->lock, NULL);
    if (r->unsaved)
        r->thread = thread_start(revocations_thread, r, STACK_BYTES);
    if (!r->thread) {
        revocations_free(r);
        return err_set(e, ERR_FATAL, "no_thread", "cannot start the thread of the revoked ids");
    }
    *ret_revocations = r;
    return true;
}

bool revocations_end(struct revocations *r, int64_t timeout_ms)
{
    pthread_mutex_lock(&r->lock);
    r->ending = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (!thread_join(r->thread, timeout_ms))
        return false;
    revocations_free(r);
    return true;
}
