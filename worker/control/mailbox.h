/* This worker's mailbox on the broker: what it is declared as, and what goes in and out of it. */
#ifndef METERBEAT_WORKER_MAILBOX_H
#define METERBEAT_WORKER_MAILBOX_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "worker/control/context.h"
#include "common/celery/pidbox.h"
#include "worker/runtime/state.h"
#include "common/amqp/exchange.h"

/* Control thread only. */
struct mailbox {
    const struct settings *settings;
    const char *node;
    char exchange[256], reply_exchange[256], queue[256];
    char ticket[UUID_TEXT]; /* of our own question to the others; new with each connection */
};

/* Borrows both. */
void mailbox_make(const struct settings *s, const char *node, struct mailbox *ret_mailbox);
/* Exchanges, queue and consumer, as kombu 5.7 makes them, unless worker.remote_control is off; the
 * exchange for events in any case. b: fresh, broker_open_plain. Errors: broker_exchange.h's. */
MUST_CHECK bool mailbox_open(struct mailbox *m, struct broker *b, struct err *e);
/* Asks the other workers what is revoked: each answers when it likes. */
MUST_CHECK bool mailbox_mingle(struct mailbox *m, struct broker *b, struct state *st,
                               struct err *e);
/* True: it was an answer to that, and what it says is known now. */
bool mailbox_take_reply(const struct mailbox *m, const struct broker_event *event,
                        struct state *st);
/* answer is taken over. A reply that cannot be sent for what is in it, or that would go to another
 * exchange than the one for replies, is logged and forgotten. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool mailbox_reply(struct mailbox *m, struct broker *b,
                              const struct pidbox_request *request, json_t *answer, int64_t clock,
                              struct err *e);
/* One event or a list of them, taken over (NULL: no memory, nothing is sent); type: its routing key
 * with '-' for '.'. False: ERR_RETRY "broker_lost". */
MUST_CHECK bool mailbox_send_events(struct mailbox *m, struct broker *b, json_t *events,
                                    const char *type, struct err *e);
/* For panel.make_queue: on a connection of its own, as asking for what is missing closes a channel.
 * Errors: broker_open's and broker_declare_work's. */
MUST_CHECK bool mailbox_make_queue(struct control_context *p, const struct subscription *wanted,
                                   struct err *e);

#endif
