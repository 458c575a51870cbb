/* The access token for a custodian: the stored one, or a new one, which is stored before it is
 * used.
 */
#ifndef METERBEAT_WORKER_INGEST_ACCESS_TOKEN_H
#define METERBEAT_WORKER_INGEST_ACCESS_TOKEN_H

#include "worker/ingest/request.h"

/*
 * used: the generation that was answered with a 401; -1: none yet. *ret_token NULL: this custodian
 * wants none; else the caller's to wipe (secret_keys_free). False: ERR_REJECT "authorization_refused" (a
 * person has to authorize the record again), "feed_unauthorized" (a token that cannot be renewed);
 * those of oauth_request_token, rate_slot_acquire and the store.
 */
MUST_CHECK bool access_token_get(const struct ingest_request *r, int64_t used, char **ret_token,
                                 int64_t *ret_generation, struct err *e);

#endif
