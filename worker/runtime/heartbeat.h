/* Tells the database that this worker is here, when it can be reached, and never waits for it twice.
 */
#ifndef METERBEAT_WORKER_RUNTIME_HEARTBEAT_H
#define METERBEAT_WORKER_RUNTIME_HEARTBEAT_H

#include "common/store/pg.h"
#include "common/config/settings.h"

/* Executor thread only. */
struct heartbeat {
    const struct settings *settings;
    const char *name;
    int64_t next_ms;  /* monotonic: when it is due again */
    int64_t pause_ms; /* grows while the database is away */
    bool told;
    bool zones_compared; /* with what other machines go by: zone_rules.h */
    bool clock_known;    /* the database's: it said what time it is */
    bool clock_warned;
    int64_t database_ahead_ms; /* its clock minus our monotonic one */
};

/* A clock that is wrong by less is nobody's trouble. */
#define CLOCK_WRONG_MS 5000

struct heartbeat heartbeat_make(const struct settings *s, const char *name);
/* Tells if it is due; task_id NULL: idle. pg NULL: never. Failing is nobody's trouble: it is tried
 * later. The first time it also compares time zones, and warns. */
void heartbeat_send(struct heartbeat *a, struct pg *pg, const char *task_id, int64_t done,
                    int64_t now_ms);
/* Now, by the database's clock as soon as it is known, carried on by the monotonic one: a wrong
 * clock of this machine, or one that steps, neither expires a message nor holds it. */
int64_t heartbeat_now_ms(const struct heartbeat *a);
/* An orderly end. */
void heartbeat_end(struct heartbeat *a, struct pg *pg);

#endif
