/* A due tick becomes a promise: its row, its message in the outbox and its entry's memory, or
 * nothing. */
#ifndef METERBEAT_PRODUCER_ENQUEUE_TICKS_H
#define METERBEAT_PRODUCER_ENQUEUE_TICKS_H

#include "common/store/pg.h"
#include "common/schedule/schedule.h"

/* Who promises; all borrowed. */
struct enqueuer {
    const struct settings *settings;
    const struct schedule *schedule;
    const char *name; /* owner of the outbox rows, and the messages' origin */
    const char *key;  /* of the installation, as entry_tick_key has it; "": nothing is fired */
    struct pg *pg;
};

/* Every entry makes a message that can be sent. False: ERR_FATAL "bad_schedule" naming entry and
 * line. */
MUST_CHECK bool enqueue_check(const struct enqueuer *by, struct err *e);
/*
 * One transaction for all ticks. Those that another producer has fired are left to it; *ret_fired
 * is the number of the others. remember: move the entries' memory on.
 */
MUST_CHECK bool enqueue_ticks(const struct enqueuer *by, const struct tick *ticks, size_t count,
                              bool remember, int64_t now_ms, size_t *ret_fired, struct err *e);

#endif
