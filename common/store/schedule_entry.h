/* The state of schedule entries, and their ticks: the key (entry, due time) decides who fires. */
#ifndef METERBEAT_STORE_SCHEDULE_ENTRY_H
#define METERBEAT_STORE_SCHEDULE_ENTRY_H

#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings are borrowed. Instants: seconds since the epoch. */
struct entry_memory {
    const char *name;
    const char *definition; /* the fields that decide its due times */
    int64_t last_due_s;     /* every due time up to here has been decided */
};

struct entry_tick {
    const char *entry, *definition, *task_id;
    int64_t due_s;
    bool fired_here; /* set by schedule_entry_fire: no other producer had fired it */
};

/* Fills last_due_s of each: from the stored state, or now_s for an entry that is new or whose
 * definition has changed (which is then stored). Outside a transaction. */
MUST_CHECK bool schedule_entry_load(struct pg *p, struct entry_memory *entries, size_t count,
                                    int64_t now_s, struct err *e);
/* Deletes an entry's state: it starts afresh when it comes back. */
MUST_CHECK bool schedule_entry_forget(struct pg *p, const char *name, struct err *e);
/*
 * In the caller's transaction: writes those ticks that nobody has fired, sets fired_here, and
 * advances the state of their entries. Waits for another producer that is firing the same ticks.
 * remember: false leaves the entries' state alone (a tick fired by hand).
 */
MUST_CHECK bool schedule_entry_fire(struct pg *p, struct entry_tick *ticks, size_t count,
                                    bool remember, struct err *e);
/* The installation's key, from which ids of ticks are derived. ERR_FATAL "no_tick_key" if there is
 * none, or if it is longer than size allows. */
MUST_CHECK bool entry_tick_key(struct pg *p, char *ret_key, size_t size, struct err *e);
/* The database clock, milliseconds since the epoch: the one clock that all producers share. */
MUST_CHECK bool schedule_entry_clock_ms(struct pg *p, int64_t *ret_now_ms, struct err *e);

#endif
