/*
 * Headers nested deeper than librabbitmq decodes. From 0.14 on it accepts at most 100 levels and
 * fails the connection over more, whereupon the message is redelivered for ever. This file
 * overrides amqp_decode_table, which librabbitmq calls by name and therefore finds here first: a
 * deeper table is decoded without its nested part, and marked. Debian's builds call it by name; the
 * unit test detects one that does not.
 */
#ifndef METERBEAT_AMQP_DEEP_HEADERS_H
#define METERBEAT_AMQP_DEEP_HEADERS_H

#include <stdbool.h>

#include "common/amqp/rabbitmq.h"

/* Whether this entry, which no message can contain, marks a table that was decoded only in part. */
bool deep_headers_is_mark(const amqp_table_entry_t *entry);

#endif
