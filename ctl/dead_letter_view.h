/* A message of the dead-letter queue as a person wants to see it, and as it is sent once more. */
#ifndef METERBEAT_CTL_DEAD_LETTER_VIEW_H
#define METERBEAT_CTL_DEAD_LETTER_VIEW_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/message.h"

/* The task's id, whatever protocol: header id, correlation_id, or ""; borrowed. */
const char *dead_letter_id(const struct message *v);
/* Why, when, from where: id, task, reason, error, attempts, queue, worker, time. Absent: null.
 * Caller decrefs; NULL without memory. */
json_t *dead_letter_summary(const struct message *v);
/* The summary with all headers, properties and the body: as JSON or text where it is that, else
 * base64. */
json_t *dead_letter_whole(const struct message *v);
/*
 * The message as it was before it died: without x-meterbeat headers and what RabbitMQ adds, retries
 * from 0. Borrows v; free with dead_letter_fresh_free. False: ERR_RETRY "no_memory".
 */
MUST_CHECK bool dead_letter_fresh(const struct message *v, struct message *ret_fresh,
                                  struct err *e);
void dead_letter_fresh_free(struct message *fresh);

#endif
