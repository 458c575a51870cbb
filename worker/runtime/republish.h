/* A message on its way back to the broker: to a retry queue or to the dead-letter queue. Pure. */
#ifndef METERBEAT_WORKER_RUNTIME_REPUBLISH_H
#define METERBEAT_WORKER_RUNTIME_REPUBLISH_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/message.h"

/* Failed attempts so far, for messages whose task keeps no run. */
#define ATTEMPT_HEADER "x-meterbeat-attempt"

/* How often a quorum queue had the message back before it was published anew. */
#define RETURNS_HEADER "x-meterbeat-returns"

struct dead_letter_reason {
    const struct err *why;
    int64_t attempts; /* begun, this one included */
    const char *queue, *worker;
    int64_t now_ms;
};

/*
 * Each makes an AMQP message that borrows body and properties of v and has headers of its own:
 * republish_free. What RabbitMQ wrote about earlier journeys is left out, since it drops a message
 * that it takes for going in circles; so are CC and BCC, since it would put a copy into each of
 * their queues whenever the message waits; so is the expiration, since it would end the wait early,
 * or the dead letter itself. False: ERR_RETRY "no_memory".
 */
/* The same message, only later. */
MUST_CHECK bool republish_later(const struct message *v, struct message *ret_message,
                                struct err *e);
/* The same message, afresh: with its returns so far (RETURNS_HEADER and the queue's own count). */
MUST_CHECK bool republish_afresh(const struct message *v, struct message *ret_message,
                                 struct err *e);
/* Once more after a failure: counts in `retries` (Celery's) and ATTEMPT_HEADER. */
MUST_CHECK bool republish_retry(const struct message *v, int64_t failed,
                                struct message *ret_message, struct err *e);
/* Makes it count as one that came before (republish_has_returned). False: no memory. */
MUST_CHECK bool republish_mark_returned(struct message *message);
/* Dead: x-meterbeat-reason, -error, -attempts, -queue, -worker, -time. bare: without the message's
 * own headers, which did not fit beside these. */
MUST_CHECK bool republish_dead(const struct message *v, const struct dead_letter_reason *reason,
                               bool bare, struct message *ret_message, struct err *e);
void republish_free(struct message *message);
/* ATTEMPT_HEADER of a message that arrived: 0 to 1000. */
int64_t republish_attempt(const struct message *v);
/* How often a quorum queue has had it back since it was published (x-delivery-count), at least 0.
 */
int64_t republish_returns(const struct message *v);
/* It was given to somebody before it was published anew. */
bool republish_has_returned(const struct message *v);

#endif
