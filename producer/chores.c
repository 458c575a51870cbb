/* What the producer does beside firing: messages of the dead are sent, what is too old is deleted.
 */
#include "chores.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "books/outbox.h"
#include "books/purge.h"

#define PURGE_EVERY_MS 60000
/* A run whose message seems lost gets a new one, so many at a time; not before hours have passed.
 */
#define RENEW_AFTER_S (6 * INT64_C(3600))
#define RENEW_ROWS 100

/* Twice while a row grows old enough, within reason. */
static int64_t relay_every_ms(const struct settings *s)
{
    int64_t ms = s->producer.relay_after_s * 500;
    return ms < 1000 ? 1000 : ms > 15000 ? 15000 : ms;
}

static bool promise_lost_runs(struct links *l, int64_t now_ms, struct err *e)
{
    size_t count = 0;
    const struct settings *s = l->settings;
    if (!pg_begin(l->pg, e) ||
        !outbox_renew_lost(l->pg, s->broker.queue, s->producer.serializer, RENEW_AFTER_S,
                           RENEW_ROWS, now_ms, &count, e) ||
        !pg_commit(l->pg, e)) {
        pg_rollback(l->pg);
        return false;
    }
    if (count)
        log_event(LOG_LEVEL_WARNING, "lost_runs_promised_again", "count=%zu", count);
    return true;
}

static bool relay_of_the_dead(struct links *l, struct relay_count *ret_count, struct err *e)
{
    if (!relay_send(l, NULL, l->settings->producer.relay_after_s, ret_count, e))
        return false;
    if (ret_count->sent)
        log_event(LOG_LEVEL_INFO, "relayed", "count=%zu", ret_count->sent);
    return true;
}

static bool purge(struct links *l, struct err *e)
{
    int64_t deleted, forgotten;
    if (!purge_old(l->pg, l->settings->producer.keep_days, &deleted, e) ||
        !purge_revoked(l->pg, l->settings->worker.revoked_s, &forgotten, e))
        return false;
    if (deleted + forgotten)
        log_event(LOG_LEVEL_INFO, "purged", "rows=%" PRId64, deleted + forgotten);
    return true;
}

bool chores_do(struct chores *c, struct links *l, int64_t now_ms, struct relay_count *ret_count,
               struct err *e)
{
    *ret_count = (struct relay_count){0};
    int64_t mono_ms = clock_mono_ms();
    if (mono_ms >= c->purge_due_ms) {
        c->purge_due_ms = mono_ms + PURGE_EVERY_MS;
        if (!promise_lost_runs(l, now_ms, e) || !purge(l, e))
            return false;
    }
    if (mono_ms < c->relay_due_ms)
        return true;
    c->relay_due_ms = mono_ms + relay_every_ms(l->settings);
    return relay_of_the_dead(l, ret_count, e);
}
