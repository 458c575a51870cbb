/* One delivery, from its bytes to its settlement. */
#include "worker/runtime/execute.h"

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/runtime/republish.h"
#include "worker/runtime/retry_queue.h"
#include "worker/runtime/run_lease.h"
#include "worker/runtime/settle.h"
#include "worker/runtime/state.h"
#include "worker/runtime/task_result.h"

/* Of a message to a quorum queue, by whoever's fault, before it is published anew. A queue drops
 * it, or dead-letters it without a word of ours, after its delivery limit (20 by default since
 * RabbitMQ 4.0), and it may come back once more while it waits for us. How often a task may take
 * its worker with it is ours to say: worker.max_starts. */
#define RETURNS_MAX 2

/* --- when ---------------------------------------------------------------------------------- */

/* Until its eta, or until its rate allows one more: that it starts then counts already. */
static int64_t start_in_ms(const struct attempt *a, int64_t now_ms)
{
    bool has_eta = a->message.eta_ms && !a->delivery->eta_over;
    int64_t wait_ms = has_eta ? a->message.eta_ms - now_ms : 0;
    return wait_ms > 0 ? wait_ms : state_rate_wait_ms(a->executor->state, a->task);
}

/* The retry queue to wait in, 0: it starts within a second. */
static int64_t delay_for(const struct attempt *a, int64_t wait_ms)
{
    int64_t delay_s = retry_delay_within(retry_queue_schedule(a->executor->settings), wait_ms);
    return delay_s == 0 && wait_ms >= BROKER_SHORT_RUNG_S * 1000 ? BROKER_SHORT_RUNG_S : delay_s;
}

/* --- the run ------------------------------------------------------------------------------- */

/*
 * A task that keeps a run performs under its lease. A task without effects does without, unless its
 * delivery has come back: it may have killed its worker, so from then on its starts are counted, by
 * a run like others; uncounted while the database is away. False: *ret_settlement says how it ends.
 */
static bool take_run(struct attempt *a, enum settlement *ret_settlement)
{
    struct err e;
    enum run_state state;
    bool keeps_run = a->task->keeps_run;
    if (!a->executor->pg && keeps_run)
        (void)err_set(&e, ERR_REJECT, "no_database", "task %s needs database.url", a->task->name);
    else if (!a->executor->pg || (!keeps_run && !a->delivery->redelivered))
        return true;
    else if (run_lease_take(a, keeps_run, &state, &e)) {
        if (state == RUN_DONE_BEFORE && !keeps_run) { /* its result is not kept: made once more */
            a->has_run = false;
            return true;
        }
        if (state != RUN_TAKEN) {
            *ret_settlement = state == RUN_HELD ? settle_copy(a) : settle_ended(a, state);
            return false;
        }
        if (a->run.vanished <= a->executor->settings->worker.max_starts)
            return true;
        if (keeps_run)
            a->failed = a->run.failed;
        (void)err_set(&e, ERR_REJECT, "poison", "started %lld times without saying how it ended",
                      (long long)a->run.vanished);
    } else if (e.kind != ERR_REJECT) {
        *ret_settlement = SETTLE_REQUEUE;
        if (!keeps_run)
            pg_rollback(a->executor->pg);
        return !keeps_run;
    }
    *ret_settlement = settle(a, &e);
    return false;
}

static enum settlement perform(struct attempt *a)
{
    struct err e;
    do { /* once more when its commit may have happened: taking the run again tells */
        enum settlement settlement;
        if (!take_run(a, &settlement))
            return settlement;
        if (a->task->keeps_run) {
            a->failed = a->run.failed;
            log_event(LOG_LEVEL_INFO, "task_started", "attempt=%lld", (long long)a->failed + 1);
        }
        failpoint("after_take");
        if (!task_result_started(a))
            return SETTLE_LEAVE;
        if (attempt_perform(a, &e))
            e = (struct err){.kind = ERR_NONE};
    } while (e.kind == ERR_COMMIT_UNKNOWN);
    return settle(a, &e);
}

/* --- one delivery -------------------------------------------------------------------------- */

enum settlement execute(struct attempt *a, int64_t *ret_wait_ms)
{
    struct err e;
    int64_t now_ms = heartbeat_now_ms(&a->executor->heartbeat);
    *ret_wait_ms = 0;
    if (!attempt_read(a, &e) || !attempt_is_wanted(a, now_ms, &e))
        return settle(a, &e);
    if (republish_returns(&a->delivery->message) >= RETURNS_MAX)
        return settle_afresh(a);
    if (!a->delivery->announced) /* once a delivery, which may be executed again after its eta */
        task_result_received(a);
    a->delivery->announced = true;
    int64_t wait_ms = start_in_ms(a, now_ms);
    int64_t delay_s = wait_ms > 0 ? delay_for(a, wait_ms) : 0;
    if (delay_s)
        return settle_later(a, delay_s);
    if (wait_ms > 0) {
        a->delivery->eta_over = true;
        *ret_wait_ms = wait_ms;
        return SETTLE_LEAVE;
    }
    return perform(a);
}
