/* The tasks of the worker: adding one is one file and one row here. */
#include "worker/tasks.h"

#include "common/base/attr.h"
#include "worker/reconcile/aggregate.h"
#include "worker/reconcile/audit.h"
#include "worker/ingest/parse.h"
#include "worker/ping.h"
#include "worker/task/task.h"

static const struct task tasks[] = {
    {.name = "parse",
     .keeps_run = true,
     .perform = parse_perform,
     .about = parse_about,
     .summary = "fetches a record's next window of readings; without a record: of each"},
    {.name = "aggregate",
     .keeps_run = true,
     .perform = aggregate_perform,
     .about = aggregate_about,
     .summary = "sums the months that changed; with a building: its months, now"},
    {.name = "audit",
     .keeps_run = true,
     .perform = audit_perform,
     .summary = "compares recent days of the ledger with KairosDB; kwargs days: stored within so "
                "many (2)"},
    {.name = "meterbeat.ping",
     .is_brief = true,
     .perform = ping_perform,
     .summary = "answers \"pong\""},
    {.name = "meterbeat.echo",
     .is_brief = true,
     .perform = echo_perform,
     .summary = "returns its arguments"},
    {.name = "meterbeat.sleep",
     .perform = sleep_perform,
     .summary = "[seconds]: does nothing for so long (diagnosis)"},
};

void tasks_register(void)
{
    task_register(tasks, ARRAY_LEN(tasks));
}
