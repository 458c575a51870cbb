/* OAuth 2.0 tokens (RFC 6749) from a custodian's token endpoint: the request and its answer. */
#ifndef METERBEAT_GREENBUTTON_OAUTH_H
#define METERBEAT_GREENBUTTON_OAUTH_H

#include <stdint.h>

#include "common/http/client.h"

#define TOKEN_ANSWER_MAX (64 * 1024)
#define TOKEN_MAX 16384       /* longest access or refresh token */
#define TOKEN_LIFETIME_S 3600 /* used if the answer gives no lifetime */

/* Strings borrowed. */
struct oauth_request {
    struct http_peer peer;                 /* of the token endpoint */
    const char *client_id, *client_secret; /* NULL: the client certificate authenticates us */
    bool secret_in_body;                   /* false: HTTP basic authentication */
    const char *refresh_token;             /* NULL: the grant is client_credentials */
    const char *scope;                     /* "" = none */
};

struct oauth_tokens {
    char *access_token;
    char *refresh_token; /* NULL: the old refresh token stays valid */
    int64_t expires_in_s;
};

/*
 * Sends one POST. False: ERR_REJECT "authorization_refused" (invalid_grant: the refresh token is
 * used up, expired or revoked), "token_refused" (any other refusal: client, scope, a redirect);
 * ERR_RETRY "token_unreadable", "token_unavailable" (429, 5xx), or an error of http_failure. Wipe
 * the token with oauth_wipe_token.
 */
MUST_CHECK bool oauth_request_token(const struct settings *s, const struct oauth_request *r,
                                    struct oauth_tokens *ret_pair, struct err *e);
/* Interprets status and body of the answer; same errors. Pure. */
MUST_CHECK bool oauth_read_token(long status, const char *body, size_t len, const char *shown,
                                 struct oauth_tokens *ret_pair, struct err *e);
void oauth_wipe_token(struct oauth_tokens *pair); /* for CLEANUP too */

#endif
