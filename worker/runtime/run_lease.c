/* The lease on a run: taken, and ended, whatever the database does meanwhile. */
#include "worker/runtime/run_lease.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/runtime/task_result.h"

#define DATABASE_PAUSE_MS 500
#define DATABASE_PAUSE_MAX_MS 30000

/* --- waiting for the database -------------------------------------------------------------- */

/* Once a trouble, not once a try. */
static void log_trouble_once(struct executor_context *x, const struct err *e)
{
    if (strncmp(x->database_trouble, e->code, sizeof x->database_trouble) == 0)
        return;
    memcpy(x->database_trouble, e->code, sizeof x->database_trouble);
    log_error(LOG_LEVEL_ERROR, "database_unusable", e);
}

static void log_trouble_over(struct executor_context *x)
{
    if (!x->database_trouble[0])
        return;
    x->database_trouble[0] = '\0';
    log_event(LOG_LEVEL_INFO, "database_usable", "%s", "");
}

/* The delivery is held meanwhile, heartbeats go on; false: a stop of that level, or it is void. */
static bool wait_for_database(struct attempt *a, int64_t *pause_ms, const struct err *why,
                              enum stop beyond)
{
    struct executor_context *x = a->executor;
    log_trouble_once(x, why);
    x->port.pause(x->port.context, *pause_ms, beyond);
    *pause_ms = 2 * *pause_ms < DATABASE_PAUSE_MAX_MS ? 2 * *pause_ms : DATABASE_PAUSE_MAX_MS;
    return handover_stopping(x->handover) < beyond && !attempt_is_void(a);
}

bool run_lease_write(struct attempt *a, run_lease_write_fn *write, void *context, struct err *e)
{
    int64_t pause_ms = DATABASE_PAUSE_MS;
    for (;;) {
        if (pg_ready(a->executor->pg, e) && write(a, context, e)) {
            log_trouble_over(a->executor);
            return true;
        }
        pg_rollback(a->executor->pg);
        bool is_answer = e->kind == ERR_LEASE_LOST || e->kind == ERR_REJECT;
        bool may_wait = a->has_run || a->task->keeps_run; /* others do without the database */
        if (is_answer || !may_wait || !wait_for_database(a, &pause_ms, e, STOP_NOW))
            return false;
    }
}

/* --- taking -------------------------------------------------------------------------------- */

/* RETRY and FATAL both mean that the database cannot be used now; but a pooler in between can never
 * serve. */
static bool is_hopeless(struct attempt *a, const struct err *e)
{
    if (!pg_is_pooled(a->executor->pg))
        return false;
    log_error(LOG_LEVEL_ERROR, "cannot_go_on", e);
    atomic_store(&a->executor->has_failed, true);
    return true;
}

bool run_lease_take(struct attempt *a, bool patient, enum run_state *ret_state, struct err *e)
{
    struct executor_context *x = a->executor;
    int64_t pause_ms = DATABASE_PAUSE_MS;
    json_t *both = json_pack("[O, O]", a->message.args, a->message.kwargs);
    char *arguments = both ? json_dumps(both, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(both);
    a->key.arguments = arguments;
    do {
        a->has_run =
            pg_ready(x->pg, e) && run_take(x->pg, &a->key, x->name, x->settings->worker.lease_s,
                                           ret_state, &a->run, &a->ended, e);
    } while (!a->has_run && !is_hopeless(a, e) && e->kind != ERR_REJECT && patient &&
             wait_for_database(a, &pause_ms, e, STOP_DRAIN));
    free(arguments);
    a->key.arguments = NULL;
    if (a->has_run)
        log_trouble_over(x);
    return a->has_run;
}

/* --- ending -------------------------------------------------------------------------------- */

struct ending {
    enum run_end how;
    int64_t delay_s;
    const struct err *why;
};

static bool write_end(struct attempt *a, void *context, struct err *e)
{
    const struct ending *end = context;
    struct pg *pg = a->executor->pg;
    const bool is_orphan = a->delivery->redelivered;
    switch (end->how) {
    case RUN_END_DONE:
        return run_done(pg, &a->run, "no effects", NULL, e);
    case RUN_END_RETRY:
        return run_retry(pg, &a->run, end->delay_s, end->why, e);
    case RUN_END_WAIT:
        return run_wait(pg, &a->run, end->delay_s, end->why->text, e);
    case RUN_END_DEAD:
        return run_dead(pg, &a->run, end->why, e);
    case RUN_END_EXPIRED:
        return run_expire(pg, a->message.id, is_orphan, e);
    case RUN_END_REVOKED:
        return run_revoke(pg, a->message.id, revocation_name(a->revocation), is_orphan, e);
    }
    return false;
}

bool run_lease_end(struct attempt *a, enum run_end how, int64_t delay_s, const struct err *why)
{
    struct err e, revoked;
    struct ending end = {.how = how, .delay_s = delay_s, .why = why};
    if (how == RUN_END_REVOKED && a->has_run) {
        (void)err_set(&revoked, ERR_REVOKED, "revoked", "%s", revocation_name(a->revocation));
        end = (struct ending){.how = RUN_END_DEAD, .why = &revoked};
    }
    if (run_lease_write(a, write_end, &end, &e))
        return true;
    a->is_taken_over = e.kind == ERR_LEASE_LOST;
    log_error(LOG_LEVEL_WARNING, "run_not_ended", &e);
    return false;
}

void run_lease_release(struct attempt *a)
{
    struct err e;
    if (!pg_ready(a->executor->pg, &e) || !run_release(a->executor->pg, &a->run, &e))
        log_error(LOG_LEVEL_WARNING, "run_not_released", &e);
}
