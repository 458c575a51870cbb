/* Message headers: AMQP's tables as JSON values and back. Pure. */
#ifndef METERBEAT_AMQP_FIELD_TABLE_H
#define METERBEAT_AMQP_FIELD_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/rabbitmq.h"

/*
 * A JSON object of the table, or NULL without memory. What is nested deeper than max_depth becomes
 * the string "(too deep)", and *ret_cut true; what librabbitmq refuses to read (deep_headers.h) is
 * left out, and *ret_cut true. Bytes that are no UTF-8 are read as Latin-1; void and NaN become
 * null.
 */
json_t *header_table_to_json(const amqp_table_t *table, size_t max_depth, bool *ret_cut);
/*
 * A table of the JSON object, in memory of the pool, borrowing the texts of `object`. Integers are
 * sent as narrow as they fit, as kombu does. False: ERR_REJECT "too_large" when it would be longer
 * than max_bytes on the wire or has a key over 255 bytes, "too_deep" beyond 512 levels; ERR_RETRY
 * "no_memory".
 */
MUST_CHECK bool header_table_from_json(const json_t *object, amqp_pool_t *pool, size_t max_bytes,
                                       amqp_table_t *ret_table, struct err *e);

#endif
