/* PostgreSQL's clock, carried on by this machine's monotonic one between two looks at it. */
#include "producer/database_clock.h"

#include "common/base/clock.h"
#include "common/store/schedule_entry.h"

#define LOOK_EVERY_MS 5000
/* A step back by less than this is taken for a slow answer. */
#define SLOW_MS 250
#define DRIFT_MS 1

/*
 * The answer was read before it arrived, so now is at least that: a tick fires late by a part of
 * one round trip, and never early. A slow round trip tells little and is not believed, but for the
 * milliseconds by which the two clocks may have drifted apart.
 */
static int64_t bound_ahead(const struct database_clock *c, int64_t bound_ms)
{
    bool slow = c->known && bound_ms < c->ahead_ms && bound_ms > c->ahead_ms - SLOW_MS;
    if (!slow)
        return bound_ms;
    return bound_ms > c->ahead_ms - DRIFT_MS ? bound_ms : c->ahead_ms - DRIFT_MS;
}

bool database_clock_look(struct database_clock *c, struct pg *p, struct err *e)
{
    int64_t now_ms;
    if (c->known && clock_mono_ms() - c->looked_ms < LOOK_EVERY_MS)
        return true;
    if (!schedule_entry_clock_ms(p, &now_ms, e))
        return false;
    c->looked_ms = clock_mono_ms();
    c->ahead_ms = bound_ahead(c, now_ms - c->looked_ms - 1); /* 1: both were cut to milliseconds */
    c->known = true;
    return true;
}

int64_t database_clock_now_ms(const struct database_clock *c)
{
    return clock_mono_ms() + c->ahead_ms;
}
