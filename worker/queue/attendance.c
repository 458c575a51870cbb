/* Says to the books that this worker is here, when they can be reached, and never waits for them
 * twice. */
#include "queue/attendance.h"

#include <unistd.h>

#include "base/host.h"
#include "books/presence.h"

#define TELL_EVERY_MS 10000
#define TELL_PAUSE_MAX_MS (5 * 60 * 1000)

struct attendance attendance_make(const struct settings *s, const char *name)
{
    return (struct attendance){.settings = s, .name = name, .pause_ms = TELL_EVERY_MS};
}

void attendance_tell(struct attendance *a, struct pg *pg, const char *task_id, int64_t done,
                     int64_t now_ms)
{
    char host[HOST_NAME];
    struct err ignored;
    if (!pg || now_ms < a->next_ms)
        return;
    struct presence here = {.name = a->name,
                            .host = host_name(host),
                            .pid = getpid(),
                            .queue = a->settings->broker.queue,
                            .version = METERBEAT_VERSION,
                            .task_id = task_id,
                            .tasks_done = done};
    bool told = pg_ready(pg, &ignored) && presence_tell(pg, &here, &ignored);
    a->pause_ms = told ? TELL_EVERY_MS : 2 * a->pause_ms;
    if (a->pause_ms > TELL_PAUSE_MAX_MS)
        a->pause_ms = TELL_PAUSE_MAX_MS;
    a->next_ms = now_ms + a->pause_ms;
    a->told |= told;
}

void attendance_end(struct attendance *a, struct pg *pg)
{
    struct err ignored;
    if (!pg || !a->told)
        return;
    bool gone = pg_ready(pg, &ignored) && presence_end(pg, a->name, &ignored);
    a->told = !gone; /* a row left behind shows when it was last seen */
}
