/* The access token for a custodian: as it is stored, or a new one, stored before anybody uses it.
 */
#ifndef METERBEAT_WORKER_INGEST_ACCESS_TOKEN_H
#define METERBEAT_WORKER_INGEST_ACCESS_TOKEN_H

#include "worker/ingest/parse.h"

/*
 * used: the generation that was answered with a 401; -1: none yet. *ret_bearer NULL: this custodian
 * wants none; else the caller's to wipe (seal_free). False: ERR_REJECT "authorization_refused" (a
 * person has to authorize the record again), "feed_unauthorized" (a token that cannot be renewed);
 * those of token_ask, ask_enter and the books.
 */
MUST_CHECK bool bearer_get(struct parse *p, int64_t used, char **ret_bearer,
                           int64_t *ret_generation, struct err *e);

#endif
