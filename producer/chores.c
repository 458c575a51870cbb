/* What the producer does beside firing: messages of the dead are sent, what is too old is deleted.
 */
#include "producer/chores.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/lost_run.h"
#include "common/store/purge.h"
#include "common/amqp/topology.h"
#include "common/amqp/queue_depth.h"

#define PURGE_EVERY_MS 60000
/* Runs whose message is lost, at a time. */
#define LOST_RUNS 1000
#define LOST_QUEUES 16

/* Twice while a row grows old enough, within reason. */
static int64_t relay_every_ms(const struct settings *s)
{
    int64_t ms = s->producer.relay_after_s * 500;
    return ms < 1000 ? 1000 : ms > 15000 ? 15000 : ms;
}

/* Three times while a run grows old enough to be missed, within reason. */
static int64_t look_every_ms(const struct settings *s)
{
    int64_t ms = s->producer.lost_after_s * 333;
    return ms < 500 ? 500 : ms > 20000 ? 20000 : ms;
}

static bool end_expired_runs(struct connections *l, struct err *e)
{
    int64_t count = 0;
    if (!lost_run_end_expired(l->pg, LOST_RUNS, &count, e))
        return false;
    if (count)
        log_event(LOG_LEVEL_WARNING, "runs_expired", "count=%" PRId64, count);
    return true;
}

/* A queue that was deleted is made anew: what is lost with it could not be sent otherwise. */
static bool count_messages(struct connections *l, const char *queue, int64_t *ret_held,
                           bool *ret_broker_failed, struct err *e)
{
    bool is_there;
    *ret_broker_failed = true;
    if (!broker_work_depth(l->broker, l->settings, queue, &l->retry_queues, &is_there, ret_held,
                           e) ||
        (!is_there && !broker_declare_work(l->broker, l->settings, queue, &l->retry_queues, e)))
        return false;
    *ret_broker_failed = false;
    return true;
}

static bool promise_lost_runs(struct connections *l, const char *queue, int64_t held,
                              int64_t now_ms, size_t *promised, struct err *e)
{
    size_t count = 0;
    const struct settings *s = l->settings;
    const struct lost_run_look look = {.queue = queue,
                                       .default_queue = s->broker.queue,
                                       .serializer = s->producer.serializer,
                                       .owner = l->name,
                                       .held = held,
                                       .after_s = s->producer.lost_after_s,
                                       .now_ms = now_ms,
                                       .max = LOST_RUNS};
    if (!pg_begin(l->pg, e) || !lost_run_look(l->pg, &look, &count, e) || !pg_commit(l->pg, e)) {
        pg_rollback(l->pg);
        return false;
    }
    if (count)
        log_event(LOG_LEVEL_WARNING, "lost_runs_promised_again",
                  "queue=%s messages=%" PRId64 " count=%zu", queue, held, count);
    *promised += count;
    return true;
}

/* The broker is asked only when some run waits for longer than it should. */
static bool look_for_lost_runs(struct connections *l, int64_t now_ms, struct relay_count *ret_count,
                               struct err *e)
{
    char queues[LOST_QUEUES][LOST_QUEUE_NAME];
    size_t count = 0, promised = 0;
    const struct settings *s = l->settings;
    if (!end_expired_runs(l, e) ||
        !lost_run_queues(l->pg, s->broker.queue, s->producer.lost_after_s, queues, LOST_QUEUES,
                         &count, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t held = 0;
        if (!count_messages(l, queues[i], &held, &ret_count->broker_failed, e) ||
            !promise_lost_runs(l, queues[i], held, now_ms, &promised, e))
            return false;
    }
    return promised == 0 || relay_send(l, l->name, 0, ret_count, e);
}

static bool relay_of_the_dead(struct connections *l, struct relay_count *ret_count, struct err *e)
{
    if (!relay_send(l, NULL, l->settings->producer.relay_after_s, ret_count, e))
        return false;
    if (ret_count->sent)
        log_event(LOG_LEVEL_INFO, "relayed", "count=%zu", ret_count->sent);
    return true;
}

static bool purge(struct connections *l, struct err *e)
{
    int64_t deleted, forgotten;
    if (!purge_old(l->pg, l->settings->producer.keep_days, &deleted, e) ||
        !purge_revoked(l->pg, l->settings->worker.revoked_s, &forgotten, e))
        return false;
    if (deleted + forgotten)
        log_event(LOG_LEVEL_INFO, "purged", "rows=%" PRId64, deleted + forgotten);
    return true;
}

bool chores_do(struct chores *c, struct connections *l, int64_t now_ms,
               struct relay_count *ret_count, struct err *e)
{
    *ret_count = (struct relay_count){0};
    int64_t mono_ms = clock_mono_ms();
    if (mono_ms >= c->purge_due_ms) {
        c->purge_due_ms = mono_ms + PURGE_EVERY_MS;
        if (!purge(l, e))
            return false;
    }
    if (mono_ms >= c->look_due_ms) {
        c->look_due_ms = mono_ms + look_every_ms(l->settings);
        if (!look_for_lost_runs(l, now_ms, ret_count, e))
            return false;
    }
    if (mono_ms < c->relay_due_ms)
        return true;
    c->relay_due_ms = mono_ms + relay_every_ms(l->settings);
    return relay_of_the_dead(l, ret_count, e);
}
