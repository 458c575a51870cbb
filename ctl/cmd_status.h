/* `status`: what its parts share: each adds to one JSON object, which is then printed either way.
 */
#ifndef METERBEAT_CTL_CMD_STATUS_H
#define METERBEAT_CTL_CMD_STATUS_H

#include <jansson.h>
#include <stdio.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "ctl/session.h"

#define STATUS_OPEN_RUNS 20 /* shown; all are counted */

/* Each fills keys of status. False: the server did not say; what it said before stays. */
MUST_CHECK bool status_queues(struct session *s, json_t *status, struct err *e); /* queues */
MUST_CHECK bool status_entries(struct session *s, int64_t now_s, json_t *status,
                               struct err *e); /* entries */
MUST_CHECK bool status_records(struct session *s, int64_t now_s, json_t *status,
                               struct err *e); /* records */
/* For people; keys that are missing are left out. */
void status_print(const json_t *status, FILE *out);

#endif
