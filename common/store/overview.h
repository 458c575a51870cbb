/* What `meterbeatctl status` shows of the tables, as JSON that PostgreSQL writes. */
#ifndef METERBEAT_STORE_OVERVIEW_H
#define METERBEAT_STORE_OVERVIEW_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * Each returns what the caller decrefs; NULL: as pg_query, or ERR_RETRY "no_memory". Seconds ago
 * are computed by the database, whose clock wrote the times.
 */
/* A list of objects, by name: name, queue, version, started_s_ago, seen_s_ago, tasks_done, task_id,
 * clock_ahead_ms; at most 1,000. */
json_t *overview_workers(struct pg *p, struct err *e);
/* A list of objects: task_id, task, record_id, building_id, state, starts, worker, progress,
 * due_in_s, age_s, error; at most `most` that have not ended, running ones first. */
json_t *overview_open_runs(struct pg *p, int64_t most, struct err *e);
/* runs: how many in each state; outbox: messages, oldest_s; dirty_months; months of the last year
 * that ended: covered (with readings), partial (for a part of them only). */
json_t *overview_counts(struct pg *p, struct err *e);
/* pending: records that their custodian keeps waiting; refused: those that wait for a person. */
json_t *overview_custodians(struct pg *p, struct err *e);
/* By the name of a schedule entry: when it fired last, in seconds since the epoch. */
json_t *overview_fired(struct pg *p, struct err *e);

#endif
