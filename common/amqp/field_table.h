/* AMQP field tables (message headers) as JSON values, and back. Pure. */
#ifndef METERBEAT_AMQP_FIELD_TABLE_H
#define METERBEAT_AMQP_FIELD_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/rabbitmq.h"

/*
 * A field table as a JSON object; NULL: out of memory. Values nested deeper than max_depth become
 * the string "(too deep)", those that librabbitmq refuses to decode (deep_headers.h) are omitted;
 * either sets *ret_cut. Invalid UTF-8 is read as Latin-1; void and NaN become null.
 */
json_t *field_table_to_json(const amqp_table_t *table, size_t max_depth, bool *ret_cut);
/*
 * A JSON object as a field table, in the pool's memory, borrowing the texts of `object`. Integers
 * are sent as narrow as possible, as kombu does. False: ERR_REJECT "too_large" (encoded longer than
 * max_bytes, or a key over 255 bytes), "too_deep" (beyond 512 levels); ERR_RETRY "no_memory".
 */
MUST_CHECK bool field_table_from_json(const json_t *object, amqp_pool_t *pool, size_t max_bytes,
                                      amqp_table_t *ret_table, struct err *e);

#endif
