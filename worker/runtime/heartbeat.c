/* Tells the database that this worker is here, when it can be reached, and never waits for it twice.
 */
#include "worker/runtime/heartbeat.h"

#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/log.h"
#include "common/store/worker_heartbeat.h"
#include "common/store/zone_rules.h"

#define TELL_EVERY_MS 10000
#define TELL_PAUSE_MAX_MS (5 * 60 * 1000)

struct heartbeat heartbeat_make(const struct settings *s, const char *name)
{
    return (struct heartbeat){.settings = s, .name = name, .pause_ms = TELL_EVERY_MS};
}

/* Once, at the start: a tzdata is not looked at again while a process lives. */
static void compare_zones(struct heartbeat *a, struct pg *pg)
{
    struct zone_difference differences[ZONE_DIFFERENCES_MAX];
    char host[HOST_NAME], tzdata[TZDATA_VERSION];
    size_t count = 0, zones = 0;
    struct err ignored;
    a->zones_compared = zone_rules_compare(pg, a->settings, host_name(host), true, differences,
                                           &count, &zones, &ignored);
    for (size_t i = 0; i < count; i++)
        log_event(LOG_LEVEL_WARNING,
                  differences[i].is_replaced ? "zone_rules_changed" : "zone_rules_differ",
                  ZONE_DIFFERENCE_PAIRS, ZONE_DIFFERENCE_VALUES(differences[i]));
    if (a->zones_compared)
        log_event(LOG_LEVEL_INFO, "zones_compared", "tzdata=%s zones=%zu differ=%zu",
                  *tzdata_version(tzdata) ? tzdata : "unknown", zones, count);
}

int64_t heartbeat_now_ms(const struct heartbeat *a)
{
    return a->clock_known ? clock_mono_ms() + a->database_ahead_ms : clock_wall_ms();
}

/* Said when it begins and when it ends. */
static void look_at_clock(struct heartbeat *a, int64_t database_ms)
{
    int64_t ahead_ms = clock_wall_ms() - database_ms;
    bool wrong = ahead_ms > CLOCK_WRONG_MS || ahead_ms < -CLOCK_WRONG_MS;
    a->clock_known = true;
    a->database_ahead_ms = database_ms - clock_mono_ms();
    if (wrong != a->clock_warned)
        log_event(wrong ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  wrong ? "clock_differs" : "clock_agrees", "ahead_of_database_ms=%lld",
                  (long long)ahead_ms);
    a->clock_warned = wrong;
}

void heartbeat_send(struct heartbeat *a, struct pg *pg, const char *task_id, int64_t done,
                    int64_t now_ms)
{
    char host[HOST_NAME];
    struct err ignored;
    if (!pg || now_ms < a->next_ms)
        return;
    struct worker_heartbeat here = {.name = a->name,
                                    .host = host_name(host),
                                    .pid = getpid(),
                                    .queue = a->settings->broker.queue,
                                    .version = METERBEAT_VERSION,
                                    .task_id = task_id,
                                    .tasks_done = done};
    int64_t database_ms;
    bool ready = pg_ready(pg, &ignored);
    here.wall_ms = clock_wall_ms(); /* connecting may take its time */
    bool told = ready && worker_heartbeat_tell(pg, &here, &database_ms, &ignored);
    if (told)
        look_at_clock(a, database_ms);
    a->pause_ms = told ? TELL_EVERY_MS : 2 * a->pause_ms;
    if (a->pause_ms > TELL_PAUSE_MAX_MS)
        a->pause_ms = TELL_PAUSE_MAX_MS;
    a->next_ms = now_ms + a->pause_ms;
    a->told |= told;
    if (told && !a->zones_compared && !pg_in_transaction(pg))
        compare_zones(a, pg);
}

void heartbeat_end(struct heartbeat *a, struct pg *pg)
{
    struct err ignored;
    if (!pg || !a->told)
        return;
    bool gone = pg_ready(pg, &ignored) && worker_heartbeat_end(pg, a->name, &ignored);
    a->told = !gone; /* a row left behind shows when it was last seen */
}
