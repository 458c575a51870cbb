/* The aggregate task: sums of local months from KairosDB into seed_timeseries, checked against the
 * ledger. */
#ifndef METERBEAT_WORKER_RECONCILE_AGGREGATE_H
#define METERBEAT_WORKER_RECONCILE_AGGREGATE_H

#include "worker/task/task.h"

/*
 * For the task table (task/task.h). Any number may run beside one another and beside parses, each
 * over its own page of months: whoever holds a dirty month's row (month_hold) writes its sum, and
 * no other. ERR_REJECT "bad_arguments"; those of KairosDB and PostgreSQL.
 */
MUST_CHECK bool aggregate_perform(struct task_context *t, json_t **ret_result, struct err *e);
void aggregate_about(const struct task_message *m, struct run_key *key);

#endif
