/* What this worker is doing and what it was told about tasks: shared by its threads, no I/O. */
#include "worker/runtime/state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "worker/runtime/rate_limit.h"
#include "worker/runtime/revoked.h"
#include "worker/runtime/stamps.h"

/* A clock beyond what a double can count is nobody's: it would only wind ours up. */
#define CLOCK_MAX (INT64_C(1) << 53)

/* What is known of one row of the task table. */
struct state_task {
    _Atomic int64_t starts;
    atomic_bool has_rate;
    struct rate_limit rate;
    char rate_text[STATE_RATE_TEXT];
    double soft_s, hard_s;
};

struct state {
    pthread_mutex_t lock;
    pthread_cond_t known; /* revoked_known has become true */
    struct delivery *first, *last;
    size_t active;
    char active_id[256];
    atomic_bool terminated;
    _Atomic int64_t clock;
    struct revoked *revoked;
    json_t *stamps;
    atomic_bool any_revoked, revoked_known;
    size_t tasks_count;
    struct state_task tasks[];
};

static size_t index_of(const struct task *task)
{
    size_t count;
    return (size_t)(task - task_table(&count));
}

struct state *state_new(const struct settings *s)
{
    size_t count;
    (void)task_table(&count);
    struct state *st = calloc(1, sizeof *st + count * sizeof st->tasks[0]);
    if (!st)
        return NULL;
    st->tasks_count = count;
    st->revoked = revoked_new((size_t)s->worker.max_revoked, s->worker.revoked_s * 1000);
    st->stamps = json_object();
    thread_cond_init(&st->known);
    pthread_mutex_init(&st->lock, NULL);
    if (st->revoked && st->stamps)
        return st;
    state_free(st);
    return NULL;
}

void state_free(struct state *st)
{
    if (!st)
        return;
    revoked_free(st->revoked);
    json_decref(st->stamps);
    pthread_cond_destroy(&st->known);
    pthread_mutex_destroy(&st->lock);
    free(st);
}

/* --- the clock ----------------------------------------------------------------------------- */

int64_t state_clock_tick(struct state *st)
{
    return atomic_fetch_add(&st->clock, 1) + 1;
}

void state_clock_hear(struct state *st, int64_t other)
{
    int64_t ours = atomic_load(&st->clock), beyond;
    if (other < 0 || other > CLOCK_MAX)
        return;
    do
        beyond = (other > ours ? other : ours) + 1;
    while (!atomic_compare_exchange_weak(&st->clock, &ours, beyond));
}

int64_t state_clock(const struct state *st)
{
    return atomic_load(&st->clock);
}

/* --- deliveries ---------------------------------------------------------------------------- */

void state_arrived(struct state *st, struct delivery *list)
{
    pthread_mutex_lock(&st->lock);
    for (struct delivery *d = list; d; d = d->next) {
        d->listed.stage = DELIVERY_RESERVED;
        d->listed.since_ms = 0;
        d->listed.next = NULL;
        d->listed.prev = st->last;
        *(st->last ? &st->last->listed.next : &st->first) = d;
        st->last = d;
    }
    pthread_mutex_unlock(&st->lock);
}

void state_gone(struct state *st, struct delivery *list)
{
    pthread_mutex_lock(&st->lock);
    for (struct delivery *d = list; d; d = d->next) {
        if (d->listed.stage == DELIVERY_UNKNOWN)
            continue;
        *(d->listed.prev ? &d->listed.prev->listed.next : &st->first) = d->listed.next;
        *(d->listed.next ? &d->listed.next->listed.prev : &st->last) = d->listed.prev;
        d->listed.stage = DELIVERY_UNKNOWN;
    }
    pthread_mutex_unlock(&st->lock);
}

void state_held(struct state *st, struct delivery *d, int64_t until_ms)
{
    pthread_mutex_lock(&st->lock);
    d->listed.stage = DELIVERY_SCHEDULED;
    d->listed.since_ms = until_ms;
    pthread_mutex_unlock(&st->lock);
}

void state_started(struct state *st, struct delivery *d, const struct task *task,
                   const char *task_id, int64_t now_ms)
{
    atomic_fetch_add_explicit(&st->tasks[index_of(task)].starts, 1, memory_order_relaxed);
    pthread_mutex_lock(&st->lock);
    d->listed.stage = DELIVERY_ACTIVE;
    d->listed.since_ms = now_ms;
    st->active = 1;
    strncpy(st->active_id, task_id, sizeof st->active_id - 1);
    atomic_store(&st->terminated, false);
    pthread_mutex_unlock(&st->lock);
}

void state_ended(struct state *st, struct delivery *d)
{
    pthread_mutex_lock(&st->lock);
    d->listed.stage = DELIVERY_RESERVED;
    st->active = 0;
    memset(st->active_id, 0, sizeof st->active_id);
    pthread_mutex_unlock(&st->lock);
}

bool state_terminated(const struct state *st)
{
    return atomic_load_explicit(&st->terminated, memory_order_relaxed);
}

/* --- deliveries, told to others ------------------------------------------------------------ */

static bool is_of(const struct delivery *d, enum delivery_stage stage)
{
    return stage == DELIVERY_UNKNOWN || d->listed.stage == stage;
}

static size_t count_entries(const struct state *st, enum delivery_stage stage)
{
    size_t count = 0;
    for (const struct delivery *d = st->first; d; d = d->listed.next)
        count += is_of(d, stage);
    return count;
}

struct state_entry *state_entries(struct state *st, enum delivery_stage stage, size_t *ret_count)
{
    struct state_entry *entries = NULL;
    size_t n = 0;
    pthread_mutex_lock(&st->lock);
    size_t count = count_entries(st, stage);
    if (count)
        entries = calloc(count, sizeof *entries);
    for (struct delivery *d = st->first; entries && d; d = d->listed.next) {
        if (!is_of(d, stage))
            continue;
        delivery_refer(d);
        entries[n++] = (struct state_entry){d, d->listed.stage, d->listed.since_ms};
    }
    pthread_mutex_unlock(&st->lock);
    *ret_count = n;
    return entries;
}

void state_entries_free(struct state_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        delivery_release(entries[i].delivery);
    free(entries);
}

size_t state_active(struct state *st)
{
    pthread_mutex_lock(&st->lock);
    size_t active = st->active;
    pthread_mutex_unlock(&st->lock);
    return active;
}

int64_t state_processed(struct state *st)
{
    int64_t all = 0;
    for (size_t i = 0; i < st->tasks_count; i++)
        all += atomic_load_explicit(&st->tasks[i].starts, memory_order_relaxed);
    return all;
}

json_t *state_totals(struct state *st)
{
    size_t count;
    const struct task *tasks = task_table(&count);
    json_t *totals = json_object();
    for (size_t i = 0; totals && i < count; i++) {
        int64_t starts = atomic_load_explicit(&st->tasks[i].starts, memory_order_relaxed);
        if (starts && json_object_set_new(totals, tasks[i].name, json_integer(starts)) != 0) {
            json_decref(totals);
            totals = NULL;
        }
    }
    return totals;
}

/* --- what is not to run -------------------------------------------------------------------- */

static bool add_revoked(struct state *st, const char *task_id, int64_t since_ms, bool *ret_new)
{
    pthread_mutex_lock(&st->lock);
    (void)revoked_purge(st->revoked, clock_mono_ms());
    bool added = revoked_add(st->revoked, task_id, since_ms, ret_new);
    if (added)
        atomic_store(&st->any_revoked, true);
    pthread_mutex_unlock(&st->lock);
    return added;
}

bool state_revoke(struct state *st, const char *task_id, bool *ret_new)
{
    return add_revoked(st, task_id, clock_mono_ms(), ret_new);
}

bool state_revoked_before(struct state *st, const char *task_id, int64_t age_ms)
{
    return add_revoked(st, task_id, clock_mono_ms() - age_ms, NULL);
}

bool state_revoke_stamps(struct state *st, const json_t *stamps)
{
    pthread_mutex_lock(&st->lock);
    bool added = stamps_add(st->stamps, stamps);
    if (added)
        atomic_store(&st->any_revoked, true);
    pthread_mutex_unlock(&st->lock);
    return added;
}

bool state_is_revoked(struct state *st, const char *task_id, const json_t *headers)
{
    if (!atomic_load_explicit(&st->any_revoked, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&st->lock);
    bool is_revoked =
        revoked_has(st->revoked, task_id, clock_mono_ms()) || stamps_match(st->stamps, headers);
    pthread_mutex_unlock(&st->lock);
    return is_revoked;
}

json_t *state_revoked(struct state *st)
{
    pthread_mutex_lock(&st->lock);
    (void)revoked_purge(st->revoked, clock_mono_ms());
    json_t *list = revoked_list(st->revoked);
    pthread_mutex_unlock(&st->lock);
    return list;
}

bool state_terminate(struct state *st, const char *task_id)
{
    pthread_mutex_lock(&st->lock);
    bool runs = st->active && strcmp(st->active_id, task_id) == 0;
    if (runs)
        atomic_store(&st->terminated, true);
    pthread_mutex_unlock(&st->lock);
    return runs;
}

void state_revoked_known(struct state *st)
{
    pthread_mutex_lock(&st->lock);
    atomic_store(&st->revoked_known, true);
    pthread_cond_broadcast(&st->known);
    pthread_mutex_unlock(&st->lock);
}

bool state_await_revoked(struct state *st, int64_t most_ms)
{
    int64_t end_ms = clock_mono_ms() + most_ms;
    struct timespec end = clock_timespec(end_ms);
    pthread_mutex_lock(&st->lock);
    while (!atomic_load(&st->revoked_known) &&
           pthread_cond_timedwait(&st->known, &st->lock, &end) == 0)
        ;
    bool is_known = atomic_load(&st->revoked_known);
    pthread_mutex_unlock(&st->lock);
    return is_known;
}

/* --- limits -------------------------------------------------------------------------------- */

void state_set_rate(struct state *st, const struct task *task, double per_s, const char *text)
{
    struct state_task *t = &st->tasks[index_of(task)];
    pthread_mutex_lock(&st->lock);
    t->rate = rate_limit_make(per_s, clock_mono_ms());
    memset(t->rate_text, 0, sizeof t->rate_text);
    strncpy(t->rate_text, text, sizeof t->rate_text - 1);
    atomic_store(&t->has_rate, per_s > 0);
    pthread_mutex_unlock(&st->lock);
}

void state_rate_text(struct state *st, const struct task *task, char text[STATE_RATE_TEXT])
{
    pthread_mutex_lock(&st->lock);
    memcpy(text, st->tasks[index_of(task)].rate_text, STATE_RATE_TEXT);
    pthread_mutex_unlock(&st->lock);
}

bool state_has_rate(const struct state *st, const struct task *task)
{
    return atomic_load_explicit(&st->tasks[index_of(task)].has_rate, memory_order_relaxed);
}

int64_t state_rate_wait_ms(struct state *st, const struct task *task)
{
    if (!state_has_rate(st, task))
        return 0;
    pthread_mutex_lock(&st->lock);
    int64_t wait_ms = rate_limit_take(&st->tasks[index_of(task)].rate, clock_mono_ms());
    pthread_mutex_unlock(&st->lock);
    return wait_ms;
}

void state_set_limits(struct state *st, const struct task *task, double soft_s, double hard_s)
{
    struct state_task *t = &st->tasks[index_of(task)];
    pthread_mutex_lock(&st->lock);
    t->soft_s = soft_s;
    t->hard_s = hard_s;
    pthread_mutex_unlock(&st->lock);
}

void state_limits(struct state *st, const struct task *task, double *ret_soft_s, double *ret_hard_s)
{
    const struct state_task *t = &st->tasks[index_of(task)];
    pthread_mutex_lock(&st->lock);
    *ret_soft_s = t->soft_s;
    *ret_hard_s = t->hard_s;
    pthread_mutex_unlock(&st->lock);
}
