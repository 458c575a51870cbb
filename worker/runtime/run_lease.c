/* The attempt whose task keeps a run: lease, task, books, outbox, in the order that loses nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/outbox.h"
#include "worker/runtime/attempt.h"
#include "worker/runtime/task_report.h"

#define BOOKS_PAUSE_MS 500
#define BOOKS_PAUSE_MAX_MS 30000
#define OUTBOX_AT_ONCE 100
/* A queue that refused twice, half a second apart, is full for longer. */
#define OUTBOX_REFUSALS_MAX 2

/* --- waiting for the books ----------------------------------------------------------------- */

/* Once a trouble, not once a try. */
static void complain(struct executor *x, const struct err *e)
{
    if (strcmp(x->complaint, e->code) == 0)
        return;
    memcpy(x->complaint, e->code, sizeof x->complaint);
    log_error(LOG_LEVEL_ERROR, "books_unusable", e);
}

static void be_content(struct executor *x)
{
    if (!x->complaint[0])
        return;
    x->complaint[0] = '\0';
    log_event(LOG_LEVEL_INFO, "books_usable", "%s", "");
}

/* The delivery is held meanwhile, heartbeats go on; false: a stop of that level, or it is void. */
static bool wait_for_books(struct attempt *a, int64_t *pause_ms, const struct err *why,
                           enum stop beyond)
{
    struct executor *x = a->executor;
    complain(x, why);
    handover_pause(x->handover, *pause_ms, beyond);
    *pause_ms = 2 * *pause_ms < BOOKS_PAUSE_MAX_MS ? 2 * *pause_ms : BOOKS_PAUSE_MAX_MS;
    return handover_stopping(x->handover) < beyond && !attempt_void(a);
}

/* One write to the books, repeated until it is there. A lost lease is an answer too. */
typedef bool books_write(struct attempt *a, void *context, struct err *e);

static bool write_books(struct attempt *a, books_write *write, void *context, struct err *e)
{
    int64_t pause_ms = BOOKS_PAUSE_MS;
    for (;;) {
        if (pg_ready(a->executor->pg, e) && write(a, context, e)) {
            be_content(a->executor);
            return true;
        }
        pg_rollback(a->executor->pg);
        bool may_wait = a->has_run || a->task->keeps_run; /* others do without the database */
        if (strcmp(e->code, "lease_lost") == 0 || e->kind == ERR_REJECT || !may_wait ||
            !wait_for_books(a, &pause_ms, e, STOP_NOW))
            return false;
    }
}

/* --- the ends of a run --------------------------------------------------------------------- */

struct ending {
    int64_t delay_s;
    const struct err *why;
};

static bool write_retry(struct attempt *a, void *context, struct err *e)
{
    const struct ending *ending = context;
    return run_retry(a->executor->pg, &a->run, ending->delay_s, ending->why, e);
}

static bool write_dead(struct attempt *a, void *context, struct err *e)
{
    const struct ending *ending = context;
    return run_dead(a->executor->pg, &a->run, ending->why, e);
}

static bool end_run(struct attempt *a, books_write *write, int64_t delay_s, const struct err *why)
{
    struct err e;
    struct ending ending = {delay_s, why};
    if (write_books(a, write, &ending, &e))
        return true;
    a->taken_over = strcmp(e.code, "lease_lost") == 0;
    log_error(LOG_LEVEL_WARNING, "run_not_ended", &e);
    return false;
}

bool keeper_retry(struct attempt *a, int64_t delay_s, const struct err *why)
{
    return end_run(a, write_retry, delay_s, why);
}

bool keeper_dead(struct attempt *a, const struct err *why)
{
    return end_run(a, write_dead, 0, why);
}

static bool write_wait(struct attempt *a, void *context, struct err *e)
{
    const struct ending *ending = context;
    return run_wait(a->executor->pg, &a->run, ending->delay_s, ending->why->text, e);
}

bool keeper_wait(struct attempt *a, int64_t delay_s, const struct err *why)
{
    return end_run(a, write_wait, delay_s, why);
}

static bool write_done(struct attempt *a, void *context, struct err *e)
{
    (void)context;
    return run_done(a->executor->pg, &a->run, "no effects", NULL, e);
}

bool keeper_done(struct attempt *a)
{
    return end_run(a, write_done, 0, NULL);
}

static bool write_expired(struct attempt *a, void *context, struct err *e)
{
    (void)context;
    return run_expire(a->executor->pg, a->message.id, a->delivery->redelivered, e);
}

bool keeper_expired(struct attempt *a)
{
    struct err e;
    if (write_books(a, write_expired, NULL, &e))
        return true;
    log_error(LOG_LEVEL_WARNING, "run_not_ended", &e);
    return false;
}

static bool write_revoked(struct attempt *a, void *context, struct err *e)
{
    return run_revoke(a->executor->pg, a->message.id, context, a->delivery->redelivered, e);
}

bool keeper_revoked(struct attempt *a, const char *how)
{
    struct err e;
    if (a->has_run) {
        (void)err_set(&e, ERR_REJECT, "revoked", "%s", how);
        return keeper_dead(a, &e);
    }
    if (write_books(a, write_revoked, (void *)how, &e))
        return true;
    log_error(LOG_LEVEL_WARNING, "run_not_ended", &e);
    return false;
}

void keeper_release(struct attempt *a)
{
    struct err e;
    if (!pg_ready(a->executor->pg, &e) || !run_release(a->executor->pg, &a->run, &e))
        log_error(LOG_LEVEL_WARNING, "run_not_released", &e);
}

static enum settlement release(struct attempt *a)
{
    keeper_release(a);
    log_event(LOG_LEVEL_WARNING, "task_given_up", "reason=stopping");
    return SETTLE_LEAVE;
}

/* --- the outbox ---------------------------------------------------------------------------- */

/* Rows of one transaction on their way. */
struct outbox_batch {
    struct executor *executor;
    struct outbox_row *rows;
    size_t count;
    struct publication items[OUTBOX_AT_ONCE];
    size_t row_of[OUTBOX_AT_ONCE]; /* of an item */
    int refusals[OUTBOX_AT_ONCE];
    bool left[OUTBOX_AT_ONCE]; /* rows that the broker did not take */
    size_t left_count;
    struct err why;
};

static void outbox_batch_clear(struct outbox_batch *b)
{
    outbox_rows_free(b->rows, b->count);
    b->rows = NULL;
    b->count = 0;
}

static void leave(struct outbox_batch *b, size_t row)
{
    b->left[row] = true;
    b->left_count++;
}

/* A queue that is full may be full because of us: we are the ones who empty it. So what it does not
 * take stays in the outbox, for the producer to offer again and again. */
static enum give_up leave_in_outbox(void *context, size_t index, const struct err *why)
{
    struct outbox_batch *b = context;
    bool is_silent = strcmp(why->code, PUBLISH_NO_CONFIRM) == 0;
    bool refused = strcmp(why->code, "publish_refused") == 0 || strcmp(why->code, "no_queue") == 0;
    if (!is_silent && why->kind != ERR_REJECT &&
        (!refused || ++b->refusals[index] < OUTBOX_REFUSALS_MAX))
        return GIVE_UP_NOT_YET;
    if (is_silent)
        shunned_add(&b->executor->shunned, b->items[index].route.routing_key, clock_mono_ms());
    leave(b, b->row_of[index]);
    b->why = *why;
    return GIVE_UP;
}

static bool publish_rows(struct attempt *a, struct outbox_batch *b, struct err *e)
{
    size_t n = 0;
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].expires_ms && b->rows[i].expires_ms <= now_ms)
            continue;
        if (shunned_has(&b->executor->shunned, b->rows[i].queue, clock_mono_ms())) {
            (void)err_set(&b->why, ERR_RETRY, PUBLISH_NO_CONFIRM,
                          "queue %.200s did not answer lately", b->rows[i].queue);
            leave(b, i);
            continue;
        }
        b->row_of[n] = i;
        b->items[n++] = (struct publication){.route = publish_to_queue(b->rows[i].queue),
                                             .envelope = &b->rows[i].envelope};
    }
    return n == 0 || outcome_publish_some(a, b->items, n, leave_in_outbox, b, e);
}

/* Those that were left go behind the others. */
static bool forget_sent(struct pg *pg, struct outbox_batch *b, struct err *e)
{
    size_t sent = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->left[i])
            continue;
        struct outbox_row row = b->rows[sent];
        b->rows[sent++] = b->rows[i];
        b->rows[i] = row;
        b->left[i] = b->left[sent - 1];
        b->left[sent - 1] = false;
    }
    return outbox_sent(pg, b->rows, sent, e) &&
           outbox_refused(pg, b->rows + sent, b->count - sent, e);
}

struct outbox_tally {
    size_t taken, left;
};

/* Rows are locked while they are published, so that the producer's relay does not send them too. */
static bool send_some(struct attempt *a, void *context, struct err *e)
{
    struct pg *pg = a->executor->pg;
    struct outbox_tally *tally = context;
    struct outbox_batch b CLEANUP(outbox_batch_clear) = {.executor = a->executor};
    if (!pg_begin(pg, e) ||
        !outbox_take(pg, a->message.id, 0, OUTBOX_AT_ONCE, &b.rows, &b.count, e) ||
        !publish_rows(a, &b, e) || !forget_sent(pg, &b, e) || !pg_commit(pg, e))
        return false;
    *tally = (struct outbox_tally){b.count, b.left_count};
    if (b.left_count) {
        log_event(LOG_LEVEL_WARNING, "left_in_outbox", "count=%zu code=%s error=%s", b.left_count,
                  b.why.code, b.why.text);
    }
    return true;
}

/* What follows the first refusal is not tried: the producer will. */
static bool send_outbox(struct attempt *a)
{
    struct err e;
    struct outbox_tally tally;
    do {
        if (!write_books(a, send_some, &tally, &e)) {
            log_error(LOG_LEVEL_WARNING, "outbox_not_sent", &e);
            return false;
        }
    } while (tally.taken == OUTBOX_AT_ONCE && tally.left == 0);
    return true;
}

/* --- the attempt --------------------------------------------------------------------------- */

/* Held until the books answer: RETRY and FATAL both mean that they cannot be used now. */
static bool take_run(struct attempt *a, bool waits, enum run_state *ret_state, struct err *e)
{
    struct executor *x = a->executor;
    int64_t pause_ms = BOOKS_PAUSE_MS;
    char *arguments = NULL;
    json_t *both = json_pack("[O, O]", a->message.args, a->message.kwargs);
    if (both)
        arguments = json_dumps(both, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(both);
    a->key.arguments = arguments;
    for (;;) {
        a->has_run =
            pg_ready(x->pg, e) && run_take(x->pg, &a->key, x->name, x->settings->worker.lease_s,
                                           ret_state, &a->run, &a->ended, e);
        if (!a->has_run && strcmp(e->code, "database_pooled") == 0) {
            log_error(LOG_LEVEL_ERROR, "cannot_go_on", e);
            atomic_store(&x->failed, true);
            break;
        }
        if (a->has_run || e->kind == ERR_REJECT || !waits ||
            !wait_for_books(a, &pause_ms, e, STOP_DRAIN))
            break;
    }
    free(arguments);
    a->key.arguments = NULL;
    if (a->has_run)
        be_content(x);
    return a->has_run;
}

static enum settlement finish_done(struct attempt *a)
{
    crashpoint("after_commit");
    if (!send_outbox(a))
        return SETTLE_LEAVE;
    crashpoint("after_outbox");
    if (!report_succeeded(a))
        return SETTLE_LEAVE;
    log_event(LOG_LEVEL_INFO, "task_done", "attempt=%lld ms=%lld", (long long)a->failed + 1,
              (long long)(clock_mono_ms() - a->started_ms));
    crashpoint("before_ack");
    return SETTLE_ACK;
}

static enum settlement finish_failed(struct attempt *a, const struct err *why)
{
    struct executor *x = a->executor;
    enum revocation how;
    pg_rollback(x->pg);
    if (attempt_revoked(why, &how))
        return outcome_revoked(a, how);
    if (strcmp(why->code, "stopping") == 0)
        return release(a);
    if (strcmp(why->code, "lease_lost") == 0) {
        /* Taken over: another delivery of the same id is at work, and that one is not acknowledged
         * yet. */
        log_error(LOG_LEVEL_WARNING, "task_taken_over", why);
        return SETTLE_ACK;
    }
    if (strcmp(why->code, TASK_NOT_NOW) == 0)
        return outcome_not_now(a, why);
    if (why->kind == ERR_FATAL) {
        log_error(LOG_LEVEL_ERROR, "cannot_go_on", why);
        atomic_store(&x->failed, true);
        return release(a);
    }
    return why->kind == ERR_RETRY ? outcome_retry(a, why) : outcome_dead(a, why);
}

static enum settlement poison(struct attempt *a)
{
    struct err why;
    (void)err_set(&why, ERR_REJECT, "poison", "started %lld times without saying how it ended",
                  (long long)a->run.vanished);
    return outcome_dead(a, &why);
}

static enum settlement perform_taken(struct attempt *a, bool *ret_again)
{
    struct err e;
    a->failed = a->run.failed;
    if (a->run.vanished > a->executor->settings->worker.max_starts)
        return poison(a);
    crashpoint("after_take");
    log_event(LOG_LEVEL_INFO, "task_started", "attempt=%lld", (long long)a->failed + 1);
    if (!report_started(a))
        return SETTLE_LEAVE;
    if (attempt_perform(a, &e))
        return finish_done(a);
    /* The commit may have happened: taking the run again tells. */
    *ret_again = strcmp(e.code, "commit_unknown") == 0;
    return *ret_again ? SETTLE_LEAVE : finish_failed(a, &e);
}

/* Whoever ended it may not have come to telling its sender: once more, with the same ids. */
static bool report_ended(struct attempt *a, bool dead)
{
    if (!dead) {
        a->result = a->ended.result;
        a->ended.result = NULL;
        return report_succeeded(a);
    }
    if (strcmp(a->ended.why.code, "revoked") == 0)
        return report_revoked(a, report_revocation_of(a->ended.why.text));
    return report_failed(a, &a->ended.why);
}

static enum settlement settle_ended(struct attempt *a, enum run_state state)
{
    bool dead = state == RUN_DEAD_BEFORE;
    a->has_run = false;
    log_event(LOG_LEVEL_INFO, "task_ended_before", "state=%s", dead ? "dead" : "done");
    if (!dead && !send_outbox(a))
        return SETTLE_LEAVE;
    if (!report_ended(a, dead))
        return SETTLE_LEAVE;
    crashpoint("before_ack");
    return SETTLE_ACK;
}

/* A copy of a delivery that somebody works on. It comes back rather than being dropped: should the
 * other message be lost with its worker, this one is left. */
static enum settlement put_copy_off(struct attempt *a)
{
    a->has_run = false;
    log_event(LOG_LEVEL_INFO, "run_held", "for_s=%lld", (long long)a->ended.held_s);
    return outcome_later_within(a, 1000 * a->ended.held_s);
}

enum settlement keeper_attempt(struct attempt *a)
{
    enum run_state state;
    struct err e;
    bool again;
    enum settlement settlement;
    do {
        again = false;
        if (!take_run(a, true, &state, &e))
            return e.kind == ERR_REJECT ? outcome_dead(a, &e) : SETTLE_REQUEUE;
        settlement = state == RUN_TAKEN  ? perform_taken(a, &again)
                     : state == RUN_HELD ? put_copy_off(a)
                                         : settle_ended(a, state);
    } while (again);
    return settlement;
}

bool keeper_count_start(struct attempt *a, enum settlement *ret_settlement)
{
    enum run_state state;
    struct err e;
    if (!take_run(a, false, &state, &e)) {
        pg_rollback(a->executor->pg);
        if (e.kind != ERR_REJECT)
            return true;
        *ret_settlement = outcome_dead(a, &e);
        return false;
    }
    if (state == RUN_TAKEN && a->run.vanished <= a->executor->settings->worker.max_starts)
        return true;
    if (state == RUN_DONE_BEFORE) { /* its result is not kept: it is made once more */
        a->has_run = false;
        return true;
    }
    *ret_settlement = state == RUN_TAKEN  ? poison(a)
                      : state == RUN_HELD ? put_copy_off(a)
                                          : settle_ended(a, state);
    return false;
}
