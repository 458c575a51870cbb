/* PostgreSQL's clock, carried on by this machine's monotonic one between two looks at it. */
#include "shared_clock.h"

#include "base/clock.h"
#include "books/entry.h"

#define LOOK_EVERY_MS 5000

bool shared_clock_look(struct shared_clock *c, struct pg *p, struct err *e)
{
    int64_t before_ms = clock_mono_ms(), now_ms;
    if (c->known && before_ms - c->looked_ms < LOOK_EVERY_MS)
        return true;
    if (!entry_clock_ms(p, &now_ms, e))
        return false;
    int64_t after_ms = clock_mono_ms();
    c->ahead_ms = now_ms - (before_ms + (after_ms - before_ms) / 2);
    c->looked_ms = after_ms;
    c->known = true;
    return true;
}

int64_t shared_clock_now_ms(const struct shared_clock *c)
{
    return clock_mono_ms() + c->ahead_ms;
}
