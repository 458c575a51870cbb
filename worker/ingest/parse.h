/* The parse task: one window of one record, from its feed into both databases; or one for each
 * record. */
#ifndef METERBEAT_WORKER_INGEST_PARSE_H
#define METERBEAT_WORKER_INGEST_PARSE_H

#include "worker/task/task.h"

/* For the task table (task/task.h). Errors: those of each step, with the record before the text. */
MUST_CHECK bool parse_perform(struct task_context *t, json_t **ret_result, struct err *e);
void parse_about(const struct task_message *m, struct run_key *key);

#endif
