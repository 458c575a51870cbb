/* A slot for one HTTP request to a host: its custodian limits them for all workers together. */
#include "worker/ingest/rate_slot.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/greenbutton/resource_url.h"
#include "common/store/rate_limiter.h"

#define RATE_SLOT_STEP_MS 200
/* After a request's own limit its slot is free, should its worker have died. */
#define RATE_SLOT_LEASE_MORE_S 15

static bool none_free(const char *host, int64_t wait_ms, struct err *e)
{
    int64_t wait_s = (wait_ms + 999) / 1000;
    (void)err_set(e, ERR_NOT_NOW, "not_now",
                  "%s has as many requests as its custodian allows: a slot in %lld s at the "
                  "earliest",
                  host, (long long)wait_s);
    e->retry_after_s = (int32_t)wait_s;
    return false;
}

bool rate_slot_acquire(struct task_context *t, const struct custodian *c, const char *url,
                       int64_t patience_ms, int64_t *ret_slot, struct err *e)
{
    const struct rate_limits limits = {.at_once = c->requests_at_once,
                                       .per_minute = c->requests_per_minute};
    int64_t lease_s = t->settings->feed.timeout_s + RATE_SLOT_LEASE_MORE_S;
    int64_t until_ms = clock_mono_ms() + patience_ms, wait_ms = 0;
    char host[RESOURCE_HOST];
    if (!resource_url_host(url, host, e))
        return false;
    for (;;) {
        if (!rate_limiter_acquire(t->pg, host, t->run->task_id, &limits, lease_s, ret_slot,
                                  &wait_ms, e))
            return false;
        if (wait_ms == 0)
            return true;
        if (clock_mono_ms() + wait_ms > until_ms)
            return none_free(host, wait_ms, e);
        if (!task_sleep(t, wait_ms < RATE_SLOT_STEP_MS ? wait_ms : RATE_SLOT_STEP_MS, NULL, e))
            return false;
    }
}

void rate_slot_release(struct task_context *t, int64_t slot)
{
    struct err e;
    if (!rate_limiter_release(t->pg, slot, &e))
        log_error(LOG_LEVEL_WARNING, "rate_slot_not_released", &e);
}
