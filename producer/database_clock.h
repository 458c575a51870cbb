/* PostgreSQL's clock, carried on by this machine's monotonic one between two looks at it. */
#ifndef METERBEAT_PRODUCER_DATABASE_CLOCK_H
#define METERBEAT_PRODUCER_DATABASE_CLOCK_H

#include "common/store/pg.h"

/*
 * All producers fire by this clock: one machine whose own clock is wrong, or steps, changes
 * nothing. Milliseconds throughout.
 */
struct database_clock {
    bool known;
    int64_t ahead_ms;  /* shared time minus monotonic time */
    int64_t looked_ms; /* when, monotonic */
};

/* Looks again when the last look is a few seconds old. */
MUST_CHECK bool database_clock_look(struct database_clock *c, struct pg *p, struct err *e);
/* Only once it is known. */
int64_t database_clock_now_ms(const struct database_clock *c);

#endif
