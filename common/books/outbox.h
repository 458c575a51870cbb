/* Messages that a transaction has promised: written with the books, deleted once the broker
 * confirmed them. */
#ifndef METERBEAT_BOOKS_OUTBOX_H
#define METERBEAT_BOOKS_OUTBOX_H

#include "base/err.h"
#include "books/pg.h"
#include "queue/message.h"

/* Inside the caller's transaction. owner = task id of the run (or NULL, a tick's) that promised it.
 * queue: where to. The message is stored encoded (message_encode); a second one with the same id
 * changes nothing. */
MUST_CHECK bool outbox_add(struct pg *p, const char *owner, const char *queue,
                           const struct message *m, const char *serializer, int64_t now_ms,
                           struct err *e);

struct outbox_row {
    int64_t id;
    char *queue;
    int64_t expires_ms; /* 0 = never; a row past it is deleted, not sent */
    struct envelope envelope;
};

/*
 * At most `max` unsent rows, oldest first: those of `owner`, or (NULL) those older than
 * older_than_s of anybody, taken FOR UPDATE SKIP LOCKED inside the caller's transaction. Caller
 * frees each with outbox_row_free, and the array.
 */
MUST_CHECK bool outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                            struct outbox_row **ret_rows, size_t *ret_count, struct err *e);
/* The broker has them. */
MUST_CHECK bool outbox_sent(struct pg *p, const struct outbox_row *rows, size_t count,
                            struct err *e);
void outbox_row_free(struct outbox_row *row);

#endif
