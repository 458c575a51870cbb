/* Messages that a transaction has promised: written with the books, deleted once the broker
 * confirmed them. */
#ifndef METERBEAT_STORE_OUTBOX_H
#define METERBEAT_STORE_OUTBOX_H

#include "common/base/err.h"
#include "common/store/pg.h"
#include "common/celery/task_message.h"

/*
 * Inside the caller's transaction. owner: who will send it, a run (its task id) or a producer;
 * NULL: nobody in particular. queue: where to. The message is stored encoded (message_encode); a
 * second one with the same id changes nothing. Errors: message_encode's and pg_query's.
 */
MUST_CHECK bool outbox_add(struct pg *p, const char *owner, const char *queue,
                           const struct message *m, const char *serializer, int64_t now_ms,
                           struct err *e);

/* The same for many at once, in few statements; borrowed. */
struct outbox_new {
    const char *queue;
    const struct message *message;
};
MUST_CHECK bool outbox_add_all(struct pg *p, const char *owner, const struct outbox_new *news,
                               size_t count, const char *serializer, int64_t now_ms, struct err *e);

struct outbox_row {
    int64_t id;
    char *queue;
    int64_t expires_ms; /* 0 = never; a row past it is deleted, not sent */
    struct envelope envelope;
};

/*
 * At most `max` unsent rows, oldest first, but those refused before behind the others: those of
 * `owner`, or (NULL) those older than older_than_s of anybody, taken FOR UPDATE SKIP LOCKED inside
 * the caller's transaction, so that two never take the same one. The envelope's expiration is what
 * is left of it now. Caller frees with outbox_rows_free.
 */
#define OUTBOX_MAX_ROWS 10000
MUST_CHECK bool outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                            struct outbox_row **ret_rows, size_t *ret_count, struct err *e);
/* The same, of some queues: `only` that one (NULL: any), none of `except` (an array of strings,
 * NULL: none). Borrowed. */
struct outbox_filter {
    const char *only;
    const json_t *except;
};
MUST_CHECK bool outbox_take_filtered(struct pg *p, const char *owner, int64_t older_than_s,
                                     const struct outbox_filter *filter, size_t max,
                                     struct outbox_row **ret_rows, size_t *ret_count,
                                     struct err *e);
/* Deletes rows past their expiry, at most 1000: of `owner`, or (NULL) of anybody. outbox_take does
 * it too; this one says how many they were. */
MUST_CHECK bool outbox_expire(struct pg *p, const char *owner, int64_t *ret_count, struct err *e);
/* The broker has them (any of those taken, at most OUTBOX_MAX_ROWS). In the same transaction. */
MUST_CHECK bool outbox_sent(struct pg *p, const struct outbox_row *rows, size_t count,
                            struct err *e);
/* The broker did not take these: they stay, and keep no others waiting. In the same transaction. */
MUST_CHECK bool outbox_refused(struct pg *p, const struct outbox_row *rows, size_t count,
                               struct err *e);
void outbox_row_free(struct outbox_row *row);
/* Each of them, and the array; NULL accepted. */
void outbox_rows_free(struct outbox_row *rows, size_t count);

#endif
