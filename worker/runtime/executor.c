/* The executor thread: one delivery at a time, from its bytes to its settlement. */
#include "worker/runtime/executor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/thread.h"
#include "worker/runtime/state.h"
#include "worker/runtime/attempt.h"
#include "worker/runtime/task_report.h"
#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "worker/runtime/republish.h"
#include "worker/runtime/retry.h"

#define EXECUTOR_STACK_BYTES (8UL * 1024 * 1024)
#define IDLE_MS 1000
#define TROUBLE_PAUSE_MS 5000
/* Of a message to a quorum queue, by whoever's fault, before it is published anew. A queue drops
 * it, or dead-letters it without a word of ours, after its delivery limit (20 by default since
 * RabbitMQ 4.0), and it may come back once more while it waits for us. How often a task may take
 * its worker with it is ours to say: worker.max_starts. */
#define RETURNS_MAX 2

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
    state_held(x->state, d, clock_wall_ms() + wait_ms);
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

/* Until its eta, or until its rate allows one more: that it starts then counts already. */
static int64_t start_in_ms(const struct attempt *a, int64_t now_ms)
{
    bool has_eta = a->message.eta_ms && !a->delivery->eta_over;
    int64_t wait_ms = has_eta ? a->message.eta_ms - now_ms : 0;
    return wait_ms > 0 ? wait_ms : state_rate_wait_ms(a->executor->state, a->task);
}

/* What may start within a second waits here, the others on the ladder. True: the delivery is taken
 * care of. */
static bool put_off(struct attempt *a, int64_t now_ms, enum settlement *ret_settlement,
                    bool *ret_held)
{
    const struct settings *s = a->executor->settings;
    int64_t wait_ms = start_in_ms(a, now_ms);
    if (wait_ms <= 0)
        return false;
    int64_t delay_s = retry_delay_within(
        (struct ladder){s->worker.retry_delays_s, s->worker.retry_delays}, wait_ms);
    if (delay_s == 0 && wait_ms >= BROKER_SHORT_RUNG_S * 1000)
        delay_s = BROKER_SHORT_RUNG_S;
    *ret_held = delay_s == 0;
    if (*ret_held) {
        a->delivery->eta_over = true;
        hold(a->executor, a->delivery, wait_ms);
    } else
        *ret_settlement = outcome_later(a, delay_s);
    return true;
}

/* --- one delivery -------------------------------------------------------------------------- */

/* A task that keeps no run touches nothing: its attempts are counted in the message. What has come
 * back may have killed its worker: its starts are counted in the database. */
static enum settlement perform_plain(struct attempt *a)
{
    struct err e;
    enum revocation how;
    enum settlement settlement;
    if (a->delivery->redelivered && a->executor->pg && !keeper_count_start(a, &settlement))
        return settlement;
    crashpoint("after_take");
    if (!report_started(a))
        return SETTLE_LEAVE;
    if (attempt_perform(a, &e)) {
        log_event(LOG_LEVEL_DEBUG, "task_done", "attempt=%lld", (long long)a->failed + 1);
        return report_succeeded(a) && (!a->has_run || keeper_done(a)) ? SETTLE_ACK : SETTLE_LEAVE;
    }
    if (attempt_revoked(&e, &how))
        return outcome_revoked(a, how);
    bool is_stopped = handover_stopping(a->executor->handover) == STOP_NOW && e.kind == ERR_RETRY;
    if (a->has_run && (is_stopped || e.kind == ERR_FATAL))
        keeper_release(a);
    if (is_stopped)
        return SETTLE_LEAVE;
    if (e.kind == ERR_FATAL) {
        log_error(LOG_LEVEL_ERROR, "cannot_go_on", &e);
        atomic_store(&a->executor->failed, true);
        return SETTLE_LEAVE;
    }
    return e.kind == ERR_RETRY ? outcome_retry(a, &e) : outcome_dead(a, &e);
}

static enum settlement perform_kept(struct attempt *a)
{
    struct err e;
    if (a->executor->pg)
        return keeper_attempt(a);
    (void)err_set(&e, ERR_REJECT, "no_database", "task %s needs database.url", a->task->name);
    return outcome_dead(a, &e);
}

static enum settlement expire(struct attempt *a)
{
    log_event(LOG_LEVEL_INFO, "task_expired", "%s", "");
    bool may_have_run = a->task->keeps_run || a->delivery->redelivered;
    if (may_have_run && a->executor->pg && !keeper_expired(a) && a->task->keeps_run)
        return SETTLE_LEAVE;
    return report_revoked(a, REVOKED_EXPIRED) ? SETTLE_ACK : SETTLE_LEAVE;
}

/* Once a delivery, which may be looked at again after its eta. */
static void announce(struct attempt *a)
{
    if (!a->delivery->announced)
        report_received(a);
    a->delivery->announced = true;
}

enum settlement executor_settlement(struct attempt *a, bool *ret_held)
{
    struct err e;
    enum settlement settlement = SETTLE_LEAVE;
    int64_t now_ms = attendance_now_ms(&a->executor->attendance);
    if (!attempt_read(a, &e))
        return e.kind == ERR_RETRY ? outcome_retry(a, &e) : outcome_dead(a, &e);
    if (attempt_expired(a, now_ms))
        return expire(a);
    if (state_is_revoked(a->executor->state, a->message.id, a->message.headers))
        return outcome_revoked(a, REVOKED_BY_REQUEST);
    if (letter_returns(&a->delivery->envelope) >= RETURNS_MAX)
        return outcome_afresh(a);
    announce(a);
    if (put_off(a, now_ms, &settlement, ret_held))
        return settlement;
    return a->task->keeps_run ? perform_kept(a) : perform_plain(a);
}

/* Left alone without a stop, a delivery would keep its place in the prefetch for ever: it goes
 * back. */
static enum settlement after_trouble(struct attempt *a)
{
    struct handover *h = a->executor->handover;
    if (handover_stopping(h) == STOP_NOW || attempt_void(a) || atomic_load(&a->executor->failed))
        return SETTLE_LEAVE;
    log_event(LOG_LEVEL_WARNING, "task_given_back", "pause_ms=%d", TROUBLE_PAUSE_MS);
    handover_pause(h, TROUBLE_PAUSE_MS, STOP_DRAIN);
    return SETTLE_REQUEUE;
}

static void execute(struct executor *x, struct delivery *d)
{
    struct attempt a = {.executor = x, .delivery = d};
    bool held = false;
    if (handover_stopping(x->handover) != STOP_NO) {
        handover_settle(x->handover, d, SETTLE_REQUEUE);
        return;
    }
    enum settlement settlement = executor_settlement(&a, &held);
    if (!held && settlement == SETTLE_LEAVE)
        settlement = after_trouble(&a);
    attempt_free(&a);
    if (!held)
        handover_settle(x->handover, d, settlement);
    if (atomic_load(&x->failed))
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
    struct delivery *d = x->held ? release_due(x, clock_mono_ms()) : NULL;
    return d ? d : handover_take(x->handover, idle_ms(x));
}

static void give_back_everything(struct executor *x)
{
    struct delivery *d;
    while ((d = x->held)) {
        x->held = d->next;
        handover_settle(x->handover, d, SETTLE_REQUEUE);
    }
    while ((d = handover_take(x->handover, 0)))
        handover_settle(x->handover, d, SETTLE_REQUEUE);
}

static void executor_thread(void *context)
{
    struct executor *x = context;
    /* what time it is, before a message is held against it */
    attendance_tell(&x->attendance, x->pg, NULL, 0, clock_mono_ms());
    while (handover_stopping(x->handover) == STOP_NO) {
        struct delivery *d = next_delivery(x);
        if (d)
            execute(x, d);
        else
            attendance_tell(&x->attendance, x->pg, NULL, handover_done(x->handover),
                            clock_mono_ms());
    }
    give_back_everything(x);
    attendance_end(&x->attendance, x->pg);
    handover_end(x->handover);
}

/* --- starting and ending ------------------------------------------------------------------- */

static void executor_free(struct executor *x)
{
    pg_free(x->pg);
    free(x);
}

bool executor_start(const struct settings *s, const char *name, struct handover *h,
                    struct state *st, struct events *v, struct executor **ret_executor,
                    struct err *e)
{
    struct executor *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_FATAL, "no_thread", "no memory for the executor");
    x->settings = s;
    x->name = name;
    x->handover = h;
    x->state = st;
    x->events = v;
    x->attendance = attendance_make(s, name);
    x->pg = s->database.url[0] ? pg_new(s, name) : NULL;
    /* one that cannot be reached is waited for; one that can never serve is said at once */
    struct err why = {0};
    if (x->pg && !pg_ready(x->pg, &why) && strcmp(why.code, "database_pooled") == 0) {
        executor_free(x);
        *e = why;
        return false;
    }
    if (x->pg || !s->database.url[0])
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
    return atomic_load(&x->failed);
}
