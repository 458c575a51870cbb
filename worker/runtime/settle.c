/* What becomes of an attempt: the one place that decides how a delivery ends. */
#include "worker/runtime/settle.h"

#include <sys/random.h>

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/runtime/dead_letter.h"
#include "worker/runtime/republish.h"
#include "worker/runtime/retry_queue.h"
#include "worker/runtime/run_lease.h"
#include "worker/runtime/run_outbox.h"
#include "worker/runtime/task_result.h"

/* Its run could not be ended: another delivery's now, or a stop came first. */
static enum settlement without_lease(const struct attempt *a)
{
    return a->is_taken_over ? SETTLE_ACK : SETTLE_LEAVE;
}

/* --- done ---------------------------------------------------------------------------------- */

static enum settlement settle_done(struct attempt *a)
{
    bool keeps_run = a->task->keeps_run;
    if (keeps_run) {
        failpoint("after_commit");
        if (!run_outbox_send(a))
            return SETTLE_LEAVE;
        failpoint("after_outbox");
    }
    if (!task_result_succeeded(a))
        return SETTLE_LEAVE;
    if (!keeps_run && a->has_run && !run_lease_end(a, RUN_END_DONE, 0, NULL))
        return SETTLE_LEAVE;
    log_event(keeps_run ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "task_done", "attempt=%lld ms=%lld",
              (long long)a->failed + 1, (long long)(clock_mono_ms() - a->started_ms));
    return SETTLE_ACK;
}

enum settlement settle_ended(struct attempt *a, enum run_state state)
{
    bool is_told;
    a->has_run = false;
    log_event(LOG_LEVEL_INFO, "task_ended_before", "state=%s",
              state == RUN_DEAD_BEFORE ? "dead" : "done");
    if (state == RUN_DONE_BEFORE) {
        a->result = a->ended.result;
        a->ended.result = NULL;
        is_told = run_outbox_send(a) && task_result_succeeded(a);
    } else if (a->ended.why.kind == ERR_REVOKED) {
        a->revocation = revocation_of_name(a->ended.why.text);
        is_told = task_result_revoked(a);
    } else
        is_told = task_result_failed(a, &a->ended.why);
    if (!is_told)
        return SETTLE_LEAVE;
    return SETTLE_ACK;
}

/* --- later --------------------------------------------------------------------------------- */

static enum settlement settle_dead(struct attempt *a, const struct err *why);

/* That a task without effects has a run by now (its starts are counted), only its message can tell.
 */
static bool mark_run(const struct attempt *a, struct message *again, struct err *e)
{
    if (!a->has_run || a->task->keeps_run || republish_mark_returned(again))
        return true;
    republish_free(again);
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

/* To a retry queue for delay_s; takes over `again`. Where none takes it, it is dead. */
static enum settlement delay(struct attempt *a, int64_t delay_s, struct message *again)
{
    struct err e;
    enum publish_status status = retry_queue_send(a, delay_s, again, &e);
    republish_free(again);
    if (status == PUBLISH_CONFIRMED) {
        failpoint("after_ladder");
        return SETTLE_ACK;
    }
    log_error(LOG_LEVEL_WARNING, "retry_not_sent", &e);
    if (status == PUBLISH_REFUSED)
        return settle_dead(a, &e);
    return status == PUBLISH_SILENT ? SETTLE_REQUEUE : SETTLE_LEAVE;
}

enum settlement settle_later(struct attempt *a, int64_t delay_s)
{
    struct message again;
    struct err e;
    if (!republish_later(&a->delivery->message, &again, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_later", "delay_s=%lld", (long long)delay_s);
    return delay(a, delay_s, &again);
}

enum settlement settle_afresh(struct attempt *a)
{
    struct message again;
    struct err e;
    if (!republish_afresh(&a->delivery->message, &again, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_published_anew", "returns=%lld",
              (long long)republish_returns(&a->delivery->message));
    return delay(a, BROKER_SHORT_RUNG_S, &again);
}

/* The longest delay that is over by then, or the shortest. */
static int64_t delay_within(const struct attempt *a, int64_t wait_ms)
{
    struct backoff_schedule schedule = retry_queue_schedule(a->executor->settings);
    int64_t delay_s = retry_delay_within(schedule, wait_ms);
    return delay_s ? delay_s : schedule.delays_s[0];
}

enum settlement settle_copy(struct attempt *a)
{
    a->has_run = false;
    log_event(LOG_LEVEL_INFO, "run_held", "for_s=%lld", (long long)a->ended.held_s);
    return settle_later(a, delay_within(a, 1000 * a->ended.held_s));
}

/* About as long as it says; does not count as a failure. */
static enum settlement settle_not_now(struct attempt *a, const struct err *why)
{
    int64_t delay_s = delay_within(a, (int64_t)why->retry_after_s * 1000);
    struct message again;
    struct err e;
    if (!run_lease_end(a, RUN_END_WAIT, delay_s, why))
        return without_lease(a);
    if (!republish_later(&a->delivery->message, &again, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_waits", "delay_s=%lld reason=%s", (long long)delay_s,
              why->text);
    return delay(a, delay_s, &again);
}

static uint32_t draw(void)
{
    uint32_t random = 1;
    (void)!getrandom(&random, sizeof random,
                     GRND_NONBLOCK); /* without it: no jitter, nothing worse */
    return random;
}

/* The next delay of the schedule, or dead after the last. */
static enum settlement settle_retry(struct attempt *a, const struct err *why)
{
    struct message again;
    struct err e;
    int64_t delay_s = retry_delay(retry_queue_schedule(a->executor->settings), a->failed,
                                  why->retry_after_s, draw());
    if (delay_s == 0)
        return settle_dead(a, why);
    if (a->has_run && !run_lease_end(a, RUN_END_RETRY, delay_s, why))
        return without_lease(a);
    if (!republish_retry(&a->delivery->message, a->failed + 1, &again, &e) ||
        !mark_run(a, &again, &e)) {
        log_error(LOG_LEVEL_ERROR, "retry_not_sent", &e);
        return SETTLE_REQUEUE;
    }
    log_event(LOG_LEVEL_WARNING, "task_retry",
              why->detail[0] ? "attempt=%lld delay_s=%lld code=%s error=%s detail=%s"
                             : "attempt=%lld delay_s=%lld code=%s error=%s%s",
              (long long)a->failed + 1, (long long)delay_s, why->code, why->text, why->detail);
    if (!task_result_retried(a, why)) {
        republish_free(&again);
        return SETTLE_LEAVE;
    }
    return delay(a, delay_s, &again);
}

/* --- dead ---------------------------------------------------------------------------------- */

/* Its dead-letter queue does not answer: the delivery goes round by a retry queue, and the rest of
 * the work goes on meanwhile. It does not count as an attempt. */
static enum settlement settle_dead_later(struct attempt *a, const struct err *why)
{
    struct message again;
    struct err e;
    struct backoff_schedule schedule = retry_queue_schedule(a->executor->settings);
    int64_t delay_s = schedule.delays_s[schedule.count - 1];
    if (a->has_run && !run_lease_end(a, RUN_END_WAIT, delay_s, why))
        return without_lease(a);
    if (!republish_later(&a->delivery->message, &again, &e) || !mark_run(a, &again, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_ERROR, "dead_letter_waits",
              "delay_s=%lld do=\"look at the dead-letter queue: has it a leader? "
              "(docs/queues.md)\"",
              (long long)delay_s);
    enum publish_status status = retry_queue_send(a, delay_s, &again, &e);
    republish_free(&again);
    return status == PUBLISH_CONFIRMED ? SETTLE_ACK
           : status == PUBLISH_STOPPED ? SETTLE_LEAVE
                                       : SETTLE_REQUEUE;
}

/* The dead letter first: a crash in between makes a second one, never none. */
static enum settlement settle_dead(struct attempt *a, const struct err *why)
{
    struct err e;
    const struct delivery *d = a->delivery;
    enum publish_status status = dead_letter_send(a, &d->message, why, a->failed + 1, d->queue, &e);
    if (status != PUBLISH_CONFIRMED)
        return status == PUBLISH_SILENT ? settle_dead_later(a, why) : SETTLE_LEAVE;
    failpoint("after_ladder");
    if (a->has_run && !run_lease_end(a, RUN_END_DEAD, 0, why))
        return without_lease(a);
    log_error(LOG_LEVEL_ERROR, "task_dead", why);
    return task_result_failed(a, why) ? SETTLE_ACK : SETTLE_LEAVE;
}

/* No dead letter. The run first: a redelivery finds it ended, and tells once more. */
static enum settlement settle_revoked(struct attempt *a)
{
    bool is_expired = a->revocation == REVOKED_EXPIRED;
    bool may_have_run = a->task && (a->task->keeps_run || a->delivery->redelivered);
    if (is_expired)
        log_event(LOG_LEVEL_INFO, "task_expired", "%s", "");
    else
        log_event(LOG_LEVEL_INFO, "task_revoked", "how=%s", revocation_name(a->revocation));
    /* a task without effects ends also while the database is away, unless it holds a run */
    if (may_have_run && a->executor->pg &&
        !run_lease_end(a, is_expired ? RUN_END_EXPIRED : RUN_END_REVOKED, 0, NULL) &&
        (a->has_run || a->task->keeps_run))
        return without_lease(a);
    return task_result_revoked(a) ? SETTLE_ACK : SETTLE_LEAVE;
}

/* --- given up ------------------------------------------------------------------------------ */

static enum settlement settle_given_up(struct attempt *a)
{
    if (a->has_run)
        run_lease_release(a);
    log_event(LOG_LEVEL_WARNING, "task_given_up", "reason=stopping");
    return SETTLE_LEAVE;
}

enum settlement settle(struct attempt *a, const struct err *why)
{
    if (a->has_run && why->kind != ERR_NONE)
        pg_rollback(a->executor->pg);
    switch (why->kind) {
    case ERR_NONE:
        return settle_done(a);
    case ERR_RETRY:
        return settle_retry(a, why);
    case ERR_REJECT:
        return settle_dead(a, why);
    case ERR_NOT_NOW:
        return settle_not_now(a, why);
    case ERR_REVOKED:
        return settle_revoked(a);
    case ERR_STOPPING:
        return settle_given_up(a);
    case ERR_LEASE_LOST: /* another delivery of the same id is at work, unacknowledged yet */
        log_error(LOG_LEVEL_WARNING, "task_taken_over", why);
        return SETTLE_ACK;
    case ERR_FATAL:
        log_error(LOG_LEVEL_ERROR, "cannot_go_on", why);
        atomic_store(&a->executor->has_failed, true);
        return settle_given_up(a);
    case ERR_COMMIT_UNKNOWN: /* execute() takes the run again, which tells */
        break;
    }
    return SETTLE_LEAVE;
}
