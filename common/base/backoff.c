/* When to connect again: growing pauses with full jitter, so that a fleet does not come back at
 * once. */
#include "common/base/backoff.h"

#include <sys/random.h>

#define REDIAL_FIRST_MS 500
/* A connection that held this long was a good one: the next loss is a new story. */
#define REDIAL_HELD_MS 10000

struct backoff backoff_make(int64_t max_ms)
{
    return (struct backoff){.max_ms = max_ms > REDIAL_FIRST_MS ? max_ms : REDIAL_FIRST_MS,
                            .pause_ms = REDIAL_FIRST_MS};
}

bool backoff_due(const struct backoff *r, int64_t now_ms)
{
    return now_ms >= r->due_ms;
}

int64_t backoff_in(const struct backoff *r, int64_t now_ms)
{
    return r->due_ms > now_ms ? r->due_ms - now_ms : 0;
}

void backoff_succeeded(struct backoff *r, int64_t now_ms)
{
    r->connected_ms = now_ms;
}

int64_t backoff_later(struct backoff *r, int64_t now_ms)
{
    if (r->connected_ms && now_ms - r->connected_ms > REDIAL_HELD_MS)
        r->pause_ms = REDIAL_FIRST_MS;
    r->connected_ms = 0;
    uint64_t random = 0;
    (void)!getrandom(&random, sizeof random,
                     GRND_NONBLOCK); /* without it: no jitter, nothing worse */
    int64_t span = r->pause_ms - REDIAL_FIRST_MS + 1;
    int64_t pause = REDIAL_FIRST_MS + (int64_t)(random % (uint64_t)span);
    r->due_ms = now_ms + pause;
    r->pause_ms = 2 * r->pause_ms < r->max_ms ? 2 * r->pause_ms : r->max_ms;
    return pause;
}
