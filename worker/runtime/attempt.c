/* One attempt at one delivery: its message read, its task found and performed within its limits. */
#include "worker/runtime/attempt.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "worker/runtime/state.h"
#include "worker/runtime/republish.h"

/* A lease is renewed after a third of it, but the database need not hear of progress every second. */
#define RENEW_AT_MOST_EVERY_MS 2000

/* --- reading ------------------------------------------------------------------------------- */

static bool refuse_defect(const struct attempt *a, struct err *e)
{
    const struct delivery *d = a->delivery;
    const struct settings *s = a->executor->settings;
    if (strcmp(d->defect, "too_large") == 0)
        return err_set(e, ERR_REJECT, "too_large",
                       "body of %zu bytes, worker.max_message_bytes is %lld", d->message.body_len,
                       (long long)s->worker.max_message_bytes);
    return err_set(e, ERR_REJECT, d->defect,
                   "headers nested over %lld deep, worker.max_message_depth",
                   (long long)s->worker.max_message_depth);
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static void set_log_context(const struct attempt *a)
{
    const char *id = or_dash(a->message.id), *task = or_dash(a->message.task);
    if (a->key.record_id)
        log_context("task_id=%.80s task=%.80s record=%lld", id, task, (long long)a->key.record_id);
    else if (a->key.building_id)
        log_context("task_id=%.80s task=%.80s building=%.80s", id, task, a->key.building_id);
    else
        log_context("task_id=%.80s task=%.80s", id, task);
}

bool attempt_read(struct attempt *a, struct err *e)
{
    const struct settings *s = a->executor->settings;
    struct task_message_limits limits = {.max_bytes = (size_t)s->worker.max_message_bytes,
                                         .max_depth = (size_t)s->worker.max_message_depth};
    a->failed = republish_attempt(&a->delivery->message);
    if (a->delivery->defect[0])
        return refuse_defect(a, e);
    if (!task_message_decode(&a->delivery->message, &limits, &a->message, e))
        return false;
    a->is_readable = true;
    const char *name = settings_task_name(s, a->message.task);
    a->task = task_find(name);
    a->key = (struct run_key){.task_id = a->message.id,
                              .task = name,
                              .parent_id = a->message.parent_id,
                              .root_id = a->message.root_id,
                              .queue = a->delivery->queue,
                              .expires_ms = a->message.expires_ms,
                              .is_redelivered = a->delivery->redelivered};
    if (a->task && a->task->about)
        a->task->about(&a->message, &a->key);
    set_log_context(a);
    return a->task ||
           err_set(e, ERR_REJECT, "unknown_task", "this worker has no task %.200s", name);
}

bool attempt_is_wanted(struct attempt *a, int64_t now_ms, struct err *e)
{
    a->revocation = REVOKED_EXPIRED;
    if (a->message.expires_ms && a->message.expires_ms <= now_ms)
        return err_set(e, ERR_REVOKED, "expired", "its message has expired");
    a->revocation = REVOKED_BY_REQUEST;
    return !state_is_revoked(a->executor->state, a->message.id, a->message.headers) ||
           err_set(e, ERR_REVOKED, "task_revoked", "by remote control");
}

void attempt_free(struct attempt *a)
{
    if (a->is_readable)
        task_message_free(&a->message);
    json_decref(a->result);
    log_context("%s", "");
}

bool attempt_is_void(const struct attempt *a)
{
    return a->delivery->epoch != handover_epoch(a->executor->handover);
}

/* --- performing ---------------------------------------------------------------------------- */

/* The message's own limits, or those that remote control has set; never beyond the configured one.
 */
static int64_t time_limit_ms(const struct attempt *a)
{
    int64_t limit = a->executor->settings->worker.task_time_limit_s * 1000;
    int64_t hard = a->message.hard_limit_ms, soft = a->message.soft_limit_ms;
    double soft_s, hard_s;
    state_limits(a->executor->state, a->task, &soft_s, &hard_s);
    if (hard <= 0 && soft <= 0) {
        hard = hard_s * 1000 < (double)limit ? (int64_t)(hard_s * 1000) : 0;
        soft = soft_s * 1000 < (double)limit ? (int64_t)(soft_s * 1000) : 0;
    }
    if (hard > 0 && hard < limit)
        limit = hard;
    return soft > 0 && soft < limit ? soft : limit;
}

static bool attempt_go_on(void *context, const char *progress, struct err *e);
static bool attempt_should_stop(void *context);

bool attempt_perform(struct attempt *a, struct err *e)
{
    struct executor_context *x = a->executor;
    a->started_ms = a->renewed_ms = clock_mono_ms();
    a->deadline_ms = a->started_ms + time_limit_ms(a);
    const struct task_host host = {
        .go_on = attempt_go_on, .should_stop = attempt_should_stop, .context = a};
    struct task_context context = {.settings = x->settings,
                                   .message = &a->message,
                                   .pg = a->has_run ? x->pg : NULL,
                                   .run = a->has_run ? &a->run : NULL,
                                   .now_ms = a->has_run ? a->run.now_ms : clock_wall_ms(),
                                   .host = &host};
    state_started(x->state, a->delivery, a->task, a->message.id, clock_wall_ms());
    /* What was revoked while its delivery waited for the database, or for its start to be told.
     * From here on it can be terminated: nothing falls in between. */
    bool done = attempt_is_wanted(a, INT64_MIN, e) && a->task->perform(&context, &a->result, e);
    state_ended(x->state, a->delivery);
    if (!done) {
        json_decref(a->result);
        a->result = NULL;
    }
    if (done)
        handover_count_done(x->handover);
    return done;
}

static bool check_limits(struct attempt *a, int64_t now_ms, struct err *e)
{
    a->revocation = REVOKED_TERMINATED;
    if (state_terminated(a->executor->state))
        return err_set(e, ERR_REVOKED, "terminated", "by remote control");
    if (handover_stopping(a->executor->handover) == STOP_NOW)
        return err_set(e, ERR_STOPPING, "stopping", "the worker stops");
    if (now_ms >= a->deadline_ms)
        return err_set(e, ERR_RETRY, "time_limit", "not done within %lld s",
                       (long long)(a->deadline_ms - a->started_ms) / 1000);
    return true;
}

/* task_go_on of whatever the executor performs. */
static bool attempt_go_on(void *context, const char *progress, struct err *e)
{
    struct attempt *a = context;
    struct executor_context *x = a->executor;
    int64_t now_ms = clock_mono_ms(), lease_s = x->settings->worker.lease_s;
    if (!check_limits(a, now_ms, e))
        return false;
    int64_t every_ms =
        lease_s * 1000 / 3 < RENEW_AT_MOST_EVERY_MS ? lease_s * 1000 / 3 : RENEW_AT_MOST_EVERY_MS;
    if (!a->has_run || now_ms - a->renewed_ms < every_ms)
        return true;
    a->renewed_ms = now_ms;
    if (!run_renew(x->pg, &a->run, lease_s, progress, e))
        return false;
    heartbeat_send(&x->heartbeat, x->pg, a->message.id, handover_done(x->handover), now_ms);
    return true;
}

static bool attempt_should_stop(void *context)
{
    struct err e;
    return !check_limits(context, clock_mono_ms(), &e);
}
