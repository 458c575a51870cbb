/* The queues of an installation: their names and arguments, declared when missing. */
#ifndef METERBEAT_AMQP_TOPOLOGY_H
#define METERBEAT_AMQP_TOPOLOGY_H

#include "common/amqp/connection.h"

/* State of the replacement of classic retry queues, which earlier versions made, by quorum queues.
 * Initialise with {0}. */
struct retry_queues {
    /* object: name of a retry queue -> the queue to publish to in its place; NULL: none */
    json_t *stand_ins;
    bool unfinished; /* a classic queue still has messages: declare again later */
};
void retry_queues_free(struct retry_queues *r);
/*
 * Declares the work queue, retry queues and dead-letter queue; makes only missing ones. A classic
 * retry queue is replaced once it is empty; *r (may be NULL) says what takes its place until then.
 * May cost the channel, so do not call it while deliveries or publishes are open.
 */
MUST_CHECK bool broker_declare_topology(struct broker *b, const struct settings *s,
                                        struct retry_queues *r, struct err *e);
/* Declares another work queue, with retry queues of its own. */
MUST_CHECK bool broker_declare_work(struct broker *b, const struct settings *s, const char *queue,
                                    struct retry_queues *r, struct err *e);
/* Declares a quorum queue without other arguments. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_is_bare_quorum_queue(struct broker *b, const char *queue, bool *ret_is,
                                            struct err *e);

enum retry_queue_kind {
    RETRY_QUEUE_MISSING,
    RETRY_QUEUE_SAFE,    /* as this version makes it: loses nothing when the broker is killed */
    RETRY_QUEUE_CLASSIC, /* as an earlier version made it */
    RETRY_QUEUE_FOREIGN, /* made by somebody else, with other arguments */
};
/* Classifies a retry queue, and makes nothing. One that we may not declare counts as SAFE. False:
 * ERR_RETRY "broker_lost". */
MUST_CHECK bool broker_compare_retry_queue(struct broker *b, const char *queue, int64_t delay_s,
                                           enum retry_queue_kind *ret_kind, struct err *e);

/* A retry delay for messages that are due soon, beside those of worker.retry_delays_s: a message
 * due later than this is not held. */
#define BROKER_SHORT_RUNG_S 1
/* Writes the name of a retry queue, "<queue>.retry.<delay_s>", which dead-letters to `queue`, or of
 * the dead-letter queue, "<broker.queue>.dead"; returns name. */
#define BROKER_QUEUE_NAME 300
const char *broker_retry_queue(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);
const char *broker_dead_queue(const struct settings *s, char name[BROKER_QUEUE_NAME]);
/*
 * Whether a name is that of an auxiliary queue of any installation: a dead-letter queue, a retry
 * queue, or one of native delayed delivery. Outsiders must not have these consumed from or replied
 * to.
 */
bool broker_is_inner_queue(const char *queue);
/* "<queue>.retry.<delay_s>.quorum", used while a classic queue has the usual name. */
const char *broker_retry_stand_in(const char *queue, int64_t delay_s, char name[BROKER_QUEUE_NAME]);
/* Ready messages and consumers of a queue; false: ERR_REJECT "no_queue" (the channel is reopened:
 * unacknowledged deliveries are requeued). */
MUST_CHECK bool broker_queue_depth(struct broker *b, const char *queue, uint32_t *ret_ready,
                                   uint32_t *ret_consumers, struct err *e);

#endif
