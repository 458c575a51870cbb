/* The outbox: messages written in the transaction of the effects they follow from, and deleted once
 * the broker has confirmed them. */
#ifndef METERBEAT_STORE_OUTBOX_H
#define METERBEAT_STORE_OUTBOX_H

#include "common/base/err.h"
#include "common/store/pg.h"
#include "common/celery/task_message.h"

/*
 * In the caller's transaction. owner: who will publish it, a run (its task id) or a producer; NULL:
 * nobody in particular. queue: its destination. The message is stored encoded (task_message_encode); a
 * second one with the same id changes nothing. Errors: those of task_message_encode and pg_query.
 */
MUST_CHECK bool outbox_add(struct pg *p, const char *owner, const char *queue,
                           const struct task_message *m, const char *serializer, int64_t now_ms,
                           struct err *e);

/* The same for many messages, in few statements; borrowed. */
struct outbox_new {
    const char *queue;
    const struct task_message *message;
};
MUST_CHECK bool outbox_add_all(struct pg *p, const char *owner, const struct outbox_new *news,
                               size_t count, const char *serializer, int64_t now_ms, struct err *e);

struct outbox_row {
    int64_t id;
    char *queue;
    int64_t expires_ms; /* 0 = never; a row past this is deleted, not published */
    struct message message;
};

/*
 * At most `max` rows, oldest first, but those refused before last: those of `owner`, or (NULL)
 * anybody's that are older than older_than_s, taken FOR UPDATE SKIP LOCKED in the caller's
 * transaction, so that two never take the same one. The expiration of a message is the time that
 * remains. The caller frees them with outbox_rows_free.
 */
#define OUTBOX_MAX_ROWS 10000
MUST_CHECK bool outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                            struct outbox_row **ret_rows, size_t *ret_count, struct err *e);
/* The same for some queues: `only` that one (NULL: any), none of `except` (an array of strings,
 * NULL: none). Borrowed. */
struct outbox_filter {
    const char *only;
    const json_t *except;
};
MUST_CHECK bool outbox_take_filtered(struct pg *p, const char *owner, int64_t older_than_s,
                                     const struct outbox_filter *filter, size_t max,
                                     struct outbox_row **ret_rows, size_t *ret_count,
                                     struct err *e);
/* Deletes expired rows, at most 1000: of `owner`, or (NULL) anybody's. outbox_take does so too;
 * this one reports their number. */
MUST_CHECK bool outbox_expire(struct pg *p, const char *owner, int64_t *ret_count, struct err *e);
/* In the same transaction: the broker has confirmed these (any of those taken, at most
 * OUTBOX_MAX_ROWS). */
MUST_CHECK bool outbox_sent(struct pg *p, const struct outbox_row *rows, size_t count,
                            struct err *e);
/* In the same transaction: the broker refused these. They stay, behind all others. */
MUST_CHECK bool outbox_refused(struct pg *p, const struct outbox_row *rows, size_t count,
                               struct err *e);
void outbox_row_free(struct outbox_row *row);
/* Frees each of them, and the array; NULL is accepted. */
void outbox_rows_free(struct outbox_row *rows, size_t count);

#endif
