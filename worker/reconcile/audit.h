/* The audit task: compares recent days of the ledger with KairosDB. */
#ifndef METERBEAT_WORKER_RECONCILE_AUDIT_H
#define METERBEAT_WORKER_RECONCILE_AUDIT_H

#include "worker/task/task.h"

/*
 * For the task table (task/task.h). kwargs days: stored within so many days (1 to 366, default 2).
 * Days of which KairosDB shows less or another sum than the ledger are fetched again, as by an
 * aggregate, whose months may have been summed before. It returns series, days, differing and
 * repairs. ERR_REJECT "bad_arguments"; those of KairosDB and PostgreSQL.
 */
MUST_CHECK bool audit_perform(struct task_context *t, json_t **ret_result, struct err *e);

#endif
