/* The exchange with a Data Custodian: requests, each with a slot and an access token, and what has
 * to be remembered of them until the answer is committed. */
#ifndef METERBEAT_WORKER_INGEST_CUSTODIAN_EXCHANGE_H
#define METERBEAT_WORKER_INGEST_CUSTODIAN_EXCHANGE_H

#include "common/greenbutton/feed.h"
#include "worker/ingest/request.h"

struct exchange; /* one thread */

struct exchange_request {
    const char *url;
    const char *etag, *last_modified; /* NULL: whatever it has */
    bool may_wait;                    /* 202 is an answer */
    bool is_more; /* earlier documents are staged: worth waiting a minute for a slot */
};

/* Borrows the request, whose record has a custodian. ERR_RETRY "no_memory". */
MUST_CHECK bool exchange_open(const struct ingest_request *r, struct exchange **ret_exchange,
                              struct err *e);
void exchange_freep(struct exchange **x); /* for CLEANUP; wipes the token */
/*
 * Sends it; after a 401 once more, with a new token. False: as feed_fetch, access_token_get;
 * ERR_REJECT "clear_text"; ERR_NOT_NOW when the host has no slot soon.
 */
MUST_CHECK bool exchange_send(struct exchange *x, const struct exchange_request *request,
                              const struct feed_sink *sink, struct feed_answer *ret_answer,
                              struct err *e);

/* Notes the whole answer for exchange_commit: its URL and validators ("": none). Copied.
 * ERR_RETRY "no_memory". */
MUST_CHECK bool exchange_note_answer(struct exchange *x, const char *url, const char *etag,
                                     const char *last_modified, struct err *e);
/* In the transaction that commits the answer: drops what was pending, and stores its validators. x
 * NULL: true. Errors: those of pending_drop, validator_put. */
MUST_CHECK bool exchange_commit(struct exchange *x, bool moves, struct err *e);

/* Redacts the access token that was sent, in errors also the client's secret. x NULL: does nothing.
 */
void exchange_redact(const struct exchange *x, char *text);
void exchange_redact_err(const struct exchange *x, struct err *e);
/* Whether exchange_redact would change the text. */
bool exchange_is_secret(const struct exchange *x, const char *text);

#endif
