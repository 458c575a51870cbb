/* What the sender of a message is told of its task: results, follow-up messages, events. */
#include "queue/report.h"

#include "base/clock.h"
#include "control/events.h"

void report_received(struct attempt *a)
{
    events_task_received(a->executor->events, &a->message);
}

bool report_started(struct attempt *a)
{
    events_task_started(a->executor->events, a->message.id);
    return true;
}

bool report_succeeded(struct attempt *a)
{
    events_task_succeeded(a->executor->events, a->message.id, "None",
                          (double)(clock_mono_ms() - a->started_ms) / 1000);
    return true;
}

bool report_retry(struct attempt *a, const struct err *why)
{
    events_task_retried(a->executor->events, a->message.id, why->text);
    return true;
}

bool report_failed(struct attempt *a, const struct err *why)
{
    if (a->readable)
        events_task_failed(a->executor->events, a->message.id, why->text);
    return true;
}

bool report_revoked(struct attempt *a, enum revocation how)
{
    events_task_revoked(a->executor->events, a->message.id, how == REVOKED_TERMINATED, NULL,
                        how == REVOKED_EXPIRED);
    return true;
}
