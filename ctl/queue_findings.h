/* What about the queues could lose a message or stop a worker: for `check` and `status`. */
#ifndef METERBEAT_CTL_QUEUE_FINDINGS_H
#define METERBEAT_CTL_QUEUE_FINDINGS_H

#include <jansson.h>

#include "ctl/session.h"

/*
 * Appends one text for each to the array: a quorum queue that drops what came back too often,
 * one without a leader (three quarters of a second each), a queue that is full, a retry queue that
 * does not survive a killed broker. Fullness and policies are known to the management API alone
 * (broker.management_url). The broker is connected. False: ERR_RETRY "broker_lost", "no_memory".
 */
MUST_CHECK bool queue_findings(struct session *s, json_t *findings, struct err *e);

#endif
