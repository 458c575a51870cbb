/* Publishing with confirms: each message has a number, which the broker confirms or refuses. */
#ifndef METERBEAT_AMQP_PUBLISH_H
#define METERBEAT_AMQP_PUBLISH_H

#include "common/amqp/connection.h"

/* Whether a resource alarm is on, by what has been read so far (its event may still wait in
 * broker_next): publishes are not confirmed before it is over. */
bool broker_blocked(const struct broker *b);
/*
 * Publishes; *ret_number is the number that CONFIRMED or REFUSED will have. A missing exchange
 * costs the channel (REOPENED). False: ERR_RETRY "broker_lost"; ERR_REJECT "too_large" (headers too
 * large for a frame, or a text too long).
 */
MUST_CHECK bool broker_publish(struct broker *b, const struct publish_route *route,
                               const struct message *v, uint64_t *ret_number, struct err *e);
/*
 * Publishes to a queue, mandatory and persistent, and waits for the confirm for at most
 * broker.confirm_timeout_s; for programs that do nothing else meanwhile. False also: ERR_RETRY
 * "publish_refused" (nack), "publish_timeout", "broker_blocked" (an alarm: the broker may take it
 * afterwards); ERR_REJECT "no_queue" (unroutable).
 */
MUST_CHECK bool broker_publish_wait(struct broker *b, const char *queue, const struct message *v,
                                    struct err *e);

#endif
