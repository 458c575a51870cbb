/* OAuth 2.0 tokens: stored encrypted, and refreshed by one worker at a time. */
#ifndef METERBEAT_STORE_AUTHORIZATION_H
#define METERBEAT_STORE_AUTHORIZATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/* Tokens are decrypted here; authorization_free wipes them. */
struct authorization {
    int64_t id, custodian_id;
    char grant_type[24];  /* none, bearer, refresh_token, client_credentials */
    char *access_token;   /* NULL: none yet */
    char *refresh_token;  /* NULL: none */
    int64_t expires_in_s; /* of the access token, from now; INT64_MAX: never */
    int64_t generation;
    bool is_unsure;    /* a refresh was sent whose answer was never stored */
    char refusal[200]; /* the custodian's reason for refusing it, or "" */
};

/* The part of a token endpoint's answer that is stored. access_token NULL: none; refresh_token
 * NULL: the old one stays; lifetime_s 0: it never expires. */
struct authorization_tokens {
    const char *access_token, *refresh_token;
    int64_t lifetime_s;
};

/* destination: the custodian's, to which the tokens are bound (custodian.h). Errors of all
 * functions here: as pg_query, secret_decrypt and secret_encrypt; ERR_RETRY "no_authorization". */
MUST_CHECK bool authorization_get(struct pg *p, const char *keys, const char *destination,
                                  int64_t id, struct authorization *ret_a, struct err *e);
/* Takes the right to refresh, which one session has at a time: *ret_busy if another has it. Held
 * across transactions, until authorization_unlock or the end of the connection. */
MUST_CHECK bool authorization_lock(struct pg *p, int64_t id, bool *ret_busy, struct err *e);
void authorization_unlock(struct pg *p, int64_t id);
/* Records that a refresh is about to be sent (commit this first), or that it was answered without
 * new tokens. */
MUST_CHECK bool authorization_asked(struct pg *p, int64_t id, bool is_answered, struct err *e);
/* Stores a new generation after `generation` (-1: after any) and clears a refusal. *ret_new false:
 * another one has been stored since, and this one is dropped. */
MUST_CHECK bool authorization_store(struct pg *p, const char *keys, const char *destination,
                                    int64_t id, int64_t generation,
                                    const struct authorization_tokens *tokens, bool *ret_new,
                                    struct err *e);
/* Marks that generation as refused. *ret_refused false: it is no longer current, and nothing was
 * written. */
MUST_CHECK bool authorization_refuse(struct pg *p, int64_t id, int64_t generation, const char *why,
                                     bool *ret_refused, struct err *e);
/* In the caller's transaction. With client_credentials, the custodian's existing one, if it has
 * one. */
MUST_CHECK bool authorization_add(struct pg *p, int64_t custodian_id, const char *grant_type,
                                  int64_t *ret_id, struct err *e);
/* In the caller's transaction. Deletes it unless a subscription uses it. */
MUST_CHECK bool authorization_drop_unused(struct pg *p, int64_t id, struct err *e);
void authorization_free(struct authorization *a); /* for CLEANUP too */

#endif
