/* RabbitMQ's management API: what AMQP does not tell of a queue. */
#ifndef METERBEAT_CTL_MANAGEMENT_H
#define METERBEAT_CTL_MANAGEMENT_H

#include <jansson.h>

#include "common/config/settings.h"

/* The queue as the API has it (type, arguments, effective_policy_definition, messages ...); NULL:
 * broker.management_url is not set, or it says nothing. The caller's to json_decref. */
json_t *management_queue(const struct settings *s, const char *queue);

#endif
