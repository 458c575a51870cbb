/* What becomes of an attempt: the retry ladder or the dead-letter queue, confirmed before the
 * acknowledgement. */
#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/runtime/attempt.h"
#include "common/amqp/connection.h"
#include "common/amqp/topology.h"
#include "worker/runtime/republish.h"
#include "worker/runtime/task_report.h"
#include "worker/runtime/retry.h"

#define PUBLISH_PAUSE_MS 500
#define PUBLISH_PAUSE_MAX_MS 15000
/* A rung that is missing is made again, with the queue that it belongs to; unless that is not
 * consumed from any more. */
#define NO_RUNG_MAX 2
/* ... and one that refuses this often (somebody has bounded it) may be full because its messages
 * have no room in the work queue, which only we empty: waiting for it could be for ever. */
#define RETRY_REFUSALS_MAX 5

/* --- publishing ---------------------------------------------------------------------------- */

/* What the broker has is not sent again; the rest is. */
static void wait_again(struct publication *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].state == PUBLICATION_FAILED)
            items[i].state = PUBLICATION_WAITING;
}

/* Those that failed go through `give_up`, one by one. */
static bool give_up_some(struct publication *items, size_t count, outcome_give_up *give_up,
                         void *context, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].state != PUBLICATION_FAILED)
            continue;
        switch (give_up(context, i, &items[i].error)) {
        case GIVE_UP:
            items[i].state = PUBLICATION_CONFIRMED;
            break;
        case GIVE_UP_STOPPED:
            *e = items[i].error;
            return false;
        case GIVE_UP_NOT_YET:
            break;
        }
    }
    return true;
}

static enum give_up never(void *context, size_t index, const struct err *why)
{
    (void)context;
    (void)index;
    bool silent = strcmp(why->code, PUBLISH_NO_CONFIRM) == 0;
    return silent || why->kind == ERR_REJECT ? GIVE_UP_STOPPED : GIVE_UP_NOT_YET;
}

static bool all_settled(const struct publication *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].state != PUBLICATION_CONFIRMED)
            return false;
    return true;
}

bool outcome_publish_some(struct attempt *a, struct publication *items, size_t count,
                          outcome_give_up *give_up, void *context, struct err *e)
{
    struct handover *h = a->executor->handover;
    const struct settings *s = a->executor->settings;
    int64_t patience_ms = 1000 * (s->broker.connect_timeout_s + s->broker.confirm_timeout_s);
    for (int64_t pause_ms = PUBLISH_PAUSE_MS;; pause_ms *= 2) {
        if (handover_publish(h, items, count, clock_mono_ms() + patience_ms, e))
            return true;
        if (!give_up_some(items, count, give_up, context, e) || handover_stopping(h) == STOP_NOW ||
            attempt_void(a))
            return false;
        if (all_settled(items, count))
            return true;
        log_error(LOG_LEVEL_WARNING, "publish_failed", e);
        handover_pause(h, pause_ms < PUBLISH_PAUSE_MAX_MS ? pause_ms : PUBLISH_PAUSE_MAX_MS,
                       STOP_NOW);
        wait_again(items, count);
    }
}

bool outcome_publish(struct attempt *a, struct publication *items, size_t count, struct err *e)
{
    return outcome_publish_some(a, items, count, never, NULL, e);
}

static bool publish_letter(struct attempt *a, const char *queue, struct envelope *letter,
                           struct err *e)
{
    struct publication item = {.route = publish_to_queue(queue), .envelope = letter};
    bool sent = outcome_publish(a, &item, 1, e);
    letter_free(letter);
    return sent;
}

/* Of a letter that a retry queue of the backoff schedule was to take. */
enum climbed {
    CLIMBED,
    CLIMB_STOPPED, /* a stop, or the delivery is void */
    CLIMB_REFUSED, /* there is no such queue and will be none, or it is full, or cannot be sent */
    CLIMB_SILENT,  /* none answers */
};

struct climb {
    int missing, refusals;
    enum climbed reached;
};

static enum give_up without_rung(void *context, size_t index, const struct err *why)
{
    struct climb *climb = context;
    climb->missing += strcmp(why->code, "no_queue") == 0;
    climb->refusals += strcmp(why->code, "publish_refused") == 0;
    if (climb->missing > NO_RUNG_MAX || climb->refusals > RETRY_REFUSALS_MAX ||
        why->kind == ERR_REJECT)
        climb->reached = CLIMB_REFUSED;
    else if (strcmp(why->code, PUBLISH_NO_CONFIRM) == 0)
        climb->reached = CLIMB_SILENT;
    return climb->reached == CLIMB_STOPPED ? never(NULL, index, why) : GIVE_UP_STOPPED;
}

static struct ladder ladder_of(const struct executor *x)
{
    return (struct ladder){x->settings->worker.retry_delays_s, x->settings->worker.retry_delays};
}

static enum climbed climb_to(struct attempt *a, const char *queue, const struct envelope *letter,
                             struct err *e)
{
    struct climb climb = {.reached = CLIMB_STOPPED};
    struct publication item = {.route = publish_to_queue(queue), .envelope = letter};
    if (outcome_publish_some(a, &item, 1, without_rung, &climb, e))
        return CLIMBED;
    /* where it is missing its work queue was deleted: no other would lead back either */
    bool of_queue = strcmp(e->code, PUBLISH_NO_CONFIRM) == 0 || climb.refusals;
    if (climb.reached != CLIMB_STOPPED && of_queue) {
        shunned_add(&a->executor->shunned, queue, clock_mono_ms());
        log_event(
            LOG_LEVEL_ERROR, "retry_queue_shunned",
            "queue=%s for_s=%d code=%s error=%s do=\"others of worker.retry_delays_s are used "
            "meanwhile; if it has no leader: rabbitmqctl delete_queue (docs/queues.md)\"",
            queue, SHUNNED_FOR_MS / 1000, e->code, e->text);
    }
    return climb.reached;
}

/* To the retry queue of that delay; when that does not take it, to the others, the nearest first.
 * Those that did not take one lately are passed over, unless all did not. Frees the letter. */
static enum climbed climb_somewhere(struct attempt *a, int64_t delay_s, struct envelope *letter,
                                    struct err *e)
{
    char queue[BROKER_QUEUE_NAME];
    enum climbed reached = CLIMB_SILENT;
    bool tried = false;
    int64_t other_s = delay_s;
    for (size_t n = 0; other_s;
         other_s = retry_delay_instead(ladder_of(a->executor), delay_s, n++)) {
        broker_retry_queue(a->delivery->queue, other_s, queue);
        if (shunned_has(&a->executor->shunned, queue, clock_mono_ms()))
            continue;
        tried = true;
        reached = climb_to(a, queue, letter, e);
        if (reached == CLIMBED || reached == CLIMB_STOPPED ||
            !shunned_has(&a->executor->shunned, queue, clock_mono_ms()))
            break;
    }
    if (!tried)
        reached = climb_to(a, broker_retry_queue(a->delivery->queue, delay_s, queue), letter, e);
    letter_free(letter);
    return reached;
}

/* --- dead ---------------------------------------------------------------------------------- */

static bool publish_dead(struct attempt *a, const struct envelope *v,
                         const struct letter_reason *reason, bool bare, struct err *e)
{
    char queue[BROKER_QUEUE_NAME];
    struct envelope letter;
    return letter_dead(v, reason, bare, &letter, e) &&
           publish_letter(a, broker_dead_queue(a->executor->settings, queue), &letter, e);
}

bool outcome_bury(struct attempt *a, const struct envelope *v, const struct err *why,
                  int64_t attempts, const char *queue, struct err *e)
{
    struct letter_reason reason = {.why = why,
                                   .attempts = attempts,
                                   .queue = queue,
                                   .worker = a->executor->name,
                                   .now_ms = clock_wall_ms()};
    bool sent = publish_dead(a, v, &reason, false, e);
    if (!sent && e->kind == ERR_REJECT) /* its headers fill a frame already: they stay behind */
        sent = publish_dead(a, v, &reason, true, e);
    if (!sent)
        log_error(LOG_LEVEL_WARNING, "dead_letter_not_sent", e);
    return sent;
}

/* That a task without effects has a run by now (keeper_count_start), only its message can tell. */
static bool keep_run(const struct attempt *a, struct envelope *letter, struct err *e)
{
    if (!a->has_run || a->task->keeps_run || letter_mark_returned(letter))
        return true;
    letter_free(letter);
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

/* Its dead-letter queue does not answer: the delivery goes round by a retry queue, and the rest of
 * the work goes on meanwhile. It does not count as an attempt. */
static enum settlement dead_later(struct attempt *a, const struct err *why)
{
    struct envelope letter;
    struct err e;
    struct ladder ladder = ladder_of(a->executor);
    int64_t delay_s = ladder.delays_s[ladder.rungs - 1];
    if (a->has_run && !keeper_wait(a, delay_s, why))
        return a->taken_over ? SETTLE_ACK : SETTLE_LEAVE;
    if (!letter_later(&a->delivery->envelope, &letter, &e) || !keep_run(a, &letter, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_ERROR, "dead_letter_waits",
              "delay_s=%lld do=\"look at the dead-letter queue: "
              "has it a leader? (docs/queues.md)\"",
              (long long)delay_s);
    enum climbed reached = climb_somewhere(a, delay_s, &letter, &e);
    return reached == CLIMBED         ? SETTLE_ACK
           : reached == CLIMB_STOPPED ? SETTLE_LEAVE
                                      : SETTLE_REQUEUE;
}

/* The dead letter first: a crash in between makes a second one, never none. */
enum settlement outcome_dead(struct attempt *a, const struct err *why)
{
    struct err e;
    if (!outcome_bury(a, &a->delivery->envelope, why, a->failed + 1, a->delivery->queue, &e))
        return strcmp(e.code, PUBLISH_NO_CONFIRM) == 0 ? dead_later(a, why) : SETTLE_LEAVE;
    crashpoint("after_ladder");
    if (a->has_run && !keeper_dead(a, why))
        return a->taken_over ? SETTLE_ACK : SETTLE_LEAVE;
    log_error(LOG_LEVEL_ERROR, "task_dead", why);
    return report_failed(a, why) ? SETTLE_ACK : SETTLE_LEAVE;
}

/* The run first: a redelivery finds it ended, and tells once more. */
enum settlement outcome_revoked(struct attempt *a, enum revocation how)
{
    const char *name = report_revocation_name(how);
    log_event(LOG_LEVEL_INFO, "task_revoked", "how=%s", name);
    bool may_have_run = a->task && (a->task->keeps_run || a->delivery->redelivered);
    if (may_have_run && a->executor->pg && !keeper_revoked(a, name) &&
        (a->has_run || a->task->keeps_run))
        return a->taken_over ? SETTLE_ACK : SETTLE_LEAVE;
    return report_revoked(a, how) ? SETTLE_ACK : SETTLE_LEAVE;
}

/* --- later --------------------------------------------------------------------------------- */

static uint32_t draw(void)
{
    uint32_t random = 1;
    (void)!getrandom(&random, sizeof random,
                     GRND_NONBLOCK); /* without it: no jitter, nothing worse */
    return random;
}

static enum settlement climb(struct attempt *a, int64_t delay_s, struct envelope *letter)
{
    struct err e;
    enum climbed reached = climb_somewhere(a, delay_s, letter, &e);
    if (reached == CLIMBED) {
        crashpoint("after_ladder");
        return SETTLE_ACK;
    }
    log_error(LOG_LEVEL_WARNING, "retry_not_sent", &e);
    if (reached == CLIMB_REFUSED)
        return outcome_dead(a, &e);
    return reached == CLIMB_SILENT ? SETTLE_REQUEUE : SETTLE_LEAVE;
}

enum settlement outcome_retry(struct attempt *a, const struct err *why)
{
    int64_t delay_s = retry_delay(ladder_of(a->executor), a->failed, why->retry_after_s, draw());
    struct envelope letter;
    struct err e;
    if (delay_s == 0)
        return outcome_dead(a, why);
    if (a->has_run && !keeper_retry(a, delay_s, why))
        return a->taken_over ? SETTLE_ACK : SETTLE_LEAVE;
    if (!letter_again(&a->delivery->envelope, a->failed + 1, &letter, &e) ||
        !keep_run(a, &letter, &e)) {
        log_error(LOG_LEVEL_ERROR, "retry_not_sent", &e);
        return SETTLE_REQUEUE;
    }
    log_event(LOG_LEVEL_WARNING, "task_retry",
              why->detail[0] ? "attempt=%lld delay_s=%lld code=%s error=%s detail=%s"
                             : "attempt=%lld delay_s=%lld code=%s error=%s%s",
              (long long)a->failed + 1, (long long)delay_s, why->code, why->text, why->detail);
    if (!report_retry(a, why)) {
        letter_free(&letter);
        return SETTLE_LEAVE;
    }
    return climb(a, delay_s, &letter);
}

enum settlement outcome_later(struct attempt *a, int64_t delay_s)
{
    struct envelope letter;
    struct err e;
    if (!letter_later(&a->delivery->envelope, &letter, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_later", "delay_s=%lld", (long long)delay_s);
    return climb(a, delay_s, &letter);
}

enum settlement outcome_afresh(struct attempt *a)
{
    struct envelope letter;
    struct err e;
    if (!letter_afresh(&a->delivery->envelope, &letter, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_published_anew", "returns=%lld",
              (long long)letter_returns(&a->delivery->envelope));
    return climb(a, BROKER_SHORT_RUNG_S, &letter);
}

/* The highest rung that is over by then, or the lowest. */
static int64_t rung_within(const struct attempt *a, int64_t wait_ms)
{
    struct ladder ladder = ladder_of(a->executor);
    int64_t delay_s = retry_delay_within(ladder, wait_ms);
    return delay_s ? delay_s : ladder.delays_s[0];
}

enum settlement outcome_later_within(struct attempt *a, int64_t wait_ms)
{
    return outcome_later(a, rung_within(a, wait_ms));
}

enum settlement outcome_not_now(struct attempt *a, const struct err *why)
{
    int64_t delay_s = rung_within(a, (int64_t)why->retry_after_s * 1000);
    struct envelope letter;
    struct err e;
    if (!keeper_wait(a, delay_s, why))
        return a->taken_over ? SETTLE_ACK : SETTLE_LEAVE;
    if (!letter_later(&a->delivery->envelope, &letter, &e))
        return SETTLE_REQUEUE;
    log_event(LOG_LEVEL_INFO, "task_waits", "delay_s=%lld reason=%s", (long long)delay_s,
              why->text);
    return climb(a, delay_s, &letter);
}
