/*
 * Header tables nested deeper than librabbitmq reads. From 0.14 on it takes at most 100 levels and
 * fails the connection over more, after which the message comes again, for ever. This part puts
 * itself before amqp_decode_table, which librabbitmq calls by name and so finds here first: such a
 * table is read without what is nested in it, and marked. Debian's builds call it so; the unit test
 * tells of one that does not.
 */
#ifndef METERBEAT_AMQP_DEEP_HEADERS_H
#define METERBEAT_AMQP_DEEP_HEADERS_H

#include <stdbool.h>

#include "common/amqp/rabbitmq.h"

/* Whether this entry, which no message can contain, says that its table was read in part. */
bool deep_headers_is_mark(const amqp_table_entry_t *entry);

#endif
