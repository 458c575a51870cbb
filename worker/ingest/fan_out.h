/* One parse that becomes several: a child for each record, or for each part of a long window. */
#ifndef METERBEAT_WORKER_INGEST_FAN_OUT_H
#define METERBEAT_WORKER_INGEST_FAN_OUT_H

#include "worker/ingest/parse_result.h"

/* parse without a record: a child for each active record that has none waiting or running. The run
 * is done afterwards. Errors: those of enqueue_parse and the store. */
MUST_CHECK bool fan_out_records(struct task_context *t, const struct timezone_rules *zone,
                                json_t **ret_result, struct err *e);
/* A named window that is longer than what its custodian answers at once (request.next.is_too_long):
 * a child for each part of it. The run is done afterwards. Errors also: ERR_REJECT "bad_window". */
MUST_CHECK bool fan_out_window(const struct ingest_request *r, struct ingest_result *result,
                               struct err *e);

#endif
