/* The executor thread: one delivery at a time, from its bytes to its settlement. */
#include "worker/runtime/executor.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/thread.h"
#include "worker/runtime/state.h"
#include "worker/runtime/execute.h"

#define EXECUTOR_STACK_BYTES (8UL * 1024 * 1024)
#define IDLE_MS 1000
#define TROUBLE_PAUSE_MS 5000

struct executor {
    struct executor_context context;
    struct thread *thread;
    struct delivery *held;  /* waiting for their eta, soonest first */
    struct delivery *taken; /* the rest of the brief ones that were taken with the last one */
    struct delivery *settled, **last_settled; /* ... and those that are done */
};

/* --- towards the I/O thread ---------------------------------------------------------------- */

static void flush_settled(struct executor *x)
{
    if (x->settled)
        handover_settle(x->context.handover, x->settled);
    x->settled = NULL;
    x->last_settled = &x->settled;
}

/* The I/O thread hears of it with the last of those that were taken together, or before anything
 * that takes its time. */
static void settle_delivery(struct executor *x, struct delivery *d, enum settlement settlement)
{
    d->settlement = settlement;
    d->next = NULL;
    *x->last_settled = d;
    x->last_settled = &d->next;
}

static bool port_publish(void *context, struct publication *items, size_t count,
                         int64_t deadline_ms, struct err *e)
{
    struct executor *x = context;
    flush_settled(x);
    return handover_publish(x->context.handover, items, count, deadline_ms, e);
}

static void port_pause(void *context, int64_t ms, enum stop beyond)
{
    struct executor *x = context;
    flush_settled(x);
    handover_pause(x->context.handover, ms, beyond);
}

/* --- deliveries that wait for their eta ---------------------------------------------------- */

/* By the monotonic clock: a step of the wall clock neither stalls nor hastens it. */
static void hold(struct executor *x, struct delivery *d, int64_t wait_ms)
{
    struct delivery **at = &x->held;
    int64_t due_ms = clock_mono_ms() + wait_ms;
    while (*at && (*at)->due_ms <= due_ms)
        at = &(*at)->next;
    d->due_ms = due_ms;
    d->next = *at;
    *at = d;
    state_held(x->context.state, d, clock_wall_ms() + wait_ms);
}

static struct delivery *release_due(struct executor *x, int64_t now_ms)
{
    struct delivery *d = x->held;
    if (!d || d->due_ms > now_ms)
        return NULL;
    x->held = d->next;
    d->next = NULL;
    return d;
}

/* --- one delivery -------------------------------------------------------------------------- */

/* Left alone without a stop, a delivery would keep its place in the prefetch for ever: it goes
 * back. */
static enum settlement after_trouble(struct attempt *a)
{
    struct handover *h = a->executor->handover;
    if (handover_stopping(h) == STOP_NOW || attempt_is_void(a) ||
        atomic_load(&a->executor->has_failed))
        return SETTLE_LEAVE;
    log_event(LOG_LEVEL_WARNING, "task_given_back", "pause_ms=%d", TROUBLE_PAUSE_MS);
    a->executor->port.pause(a->executor->port.context, TROUBLE_PAUSE_MS, STOP_DRAIN);
    return SETTLE_REQUEUE;
}

static void take_on(struct executor *x, struct delivery *d)
{
    struct attempt a = {.executor = &x->context, .delivery = d};
    int64_t wait_ms = 0;
    enum settlement settlement = SETTLE_REQUEUE;
    if (handover_stopping(x->context.handover) == STOP_NO)
        settlement = execute(&a, &wait_ms);
    if (wait_ms == 0 && settlement == SETTLE_LEAVE)
        settlement = after_trouble(&a);
    attempt_free(&a);
    if (wait_ms > 0)
        hold(x, d, wait_ms);
    else
        settle_delivery(x, d, settlement);
    if (!x->taken)
        flush_settled(x);
    if (atomic_load(&x->context.has_failed))
        (void)kill(getpid(), SIGTERM); /* the main thread ends us as on any stop */
}

/* --- the thread ---------------------------------------------------------------------------- */

static int64_t idle_ms(const struct executor *x)
{
    if (!x->held)
        return IDLE_MS;
    int64_t wait_ms = x->held->due_ms - clock_mono_ms();
    return wait_ms < 0 ? 0 : wait_ms < IDLE_MS ? wait_ms : IDLE_MS;
}

static struct delivery *next_delivery(struct executor *x)
{
    struct delivery *d = x->taken;
    if (!d && x->held)
        d = release_due(x, clock_mono_ms());
    else if (d)
        x->taken = d->next;
    if (!d) {
        d = handover_take(x->context.handover, idle_ms(x));
        x->taken = d ? d->next : NULL;
    }
    if (d)
        d->next = NULL;
    return d;
}

static void give_back_everything(struct executor *x)
{
    struct delivery *d;
    while ((d = x->held)) {
        x->held = d->next;
        settle_delivery(x, d, SETTLE_REQUEUE);
    }
    while ((d = x->taken) || (d = handover_take(x->context.handover, 0))) {
        x->taken = d->next;
        settle_delivery(x, d, SETTLE_REQUEUE);
    }
    flush_settled(x);
}

static void executor_thread(void *context)
{
    struct executor *x = context;
    struct executor_context *c = &x->context;
    /* what time it is, before a message is held against it */
    heartbeat_send(&c->heartbeat, c->pg, NULL, 0, clock_mono_ms());
    while (handover_stopping(x->context.handover) == STOP_NO) {
        struct delivery *d = next_delivery(x);
        if (d)
            take_on(x, d);
        else
            heartbeat_send(&c->heartbeat, c->pg, NULL, handover_done(x->context.handover),
                           clock_mono_ms());
    }
    give_back_everything(x);
    heartbeat_end(&c->heartbeat, c->pg);
    handover_end(x->context.handover);
}

/* --- starting and ending ------------------------------------------------------------------- */

static void executor_free(struct executor *x)
{
    pg_free(x->context.pg);
    free(x);
}

bool executor_start(const struct settings *s, const char *name, struct handover *h,
                    struct state *st, struct events *v, struct executor **ret_executor,
                    struct err *e)
{
    struct executor *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_FATAL, "no_thread", "no memory for the executor");
    x->last_settled = &x->settled;
    x->context = (struct executor_context){.settings = s,
                                           .name = name,
                                           .handover = h,
                                           .port = {x, port_publish, port_pause},
                                           .events = v,
                                           .state = st,
                                           .heartbeat = heartbeat_make(s, name)};
    x->context.pg = s->database.url[0] ? pg_new(s, name) : NULL;
    /* one that cannot be reached is waited for; one that can never serve is said at once */
    struct err why;
    if (x->context.pg && !pg_ready(x->context.pg, &why) && pg_is_pooled(x->context.pg)) {
        executor_free(x);
        *e = why;
        return false;
    }
    if (x->context.pg || !s->database.url[0])
        x->thread = thread_start(executor_thread, x, EXECUTOR_STACK_BYTES);
    if (!x->thread) {
        executor_free(x);
        return err_set(e, ERR_FATAL, "no_thread", "cannot start the executor");
    }
    *ret_executor = x;
    return true;
}

bool executor_join(struct executor *x, int64_t timeout_ms)
{
    if (!thread_join(x->thread, timeout_ms))
        return false;
    executor_free(x);
    return true;
}

bool executor_failed(const struct executor *x)
{
    return atomic_load(&x->context.has_failed);
}
