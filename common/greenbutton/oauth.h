/* OAuth 2.0 tokens from a custodian's token endpoint: the request, and what its answer means. */
#ifndef METERBEAT_GREENBUTTON_OAUTH_H
#define METERBEAT_GREENBUTTON_OAUTH_H

#include <stdint.h>

#include "common/http/client.h"

#define TOKEN_ANSWER_MAX (64 * 1024)
#define TOKEN_MAX 16384       /* longest access or refresh token */
#define TOKEN_LIFETIME_S 3600 /* when the answer does not say */

/* Strings borrowed. */
struct token_request {
    struct http_peer peer;                 /* of the token endpoint */
    const char *client_id, *client_secret; /* NULL: the certificate says who we are */
    bool secret_in_body;                   /* else HTTP basic authentication */
    const char *refresh_token;             /* NULL: the grant is client_credentials */
    const char *scope;                     /* "" = none */
};

struct token_pair {
    char *access_token;
    char *refresh_token; /* NULL: the old one stays good */
    int64_t expires_in_s;
};

/*
 * One POST. False: ERR_REJECT "authorization_refused" (invalid_grant: the refresh token is used up,
 * expired or withdrawn), "token_refused" (any other refusal: client, scope, a redirect); ERR_RETRY
 * "token_unreadable", "token_unavailable" (429, 5xx), and http_failure's. Wipe with token_wipe.
 */
MUST_CHECK bool token_ask(const struct settings *s, const struct token_request *r,
                          struct token_pair *ret_pair, struct err *e);
/* What status and body mean: the same errors. Pure. */
MUST_CHECK bool token_read(long status, const char *body, size_t len, const char *shown,
                           struct token_pair *ret_pair, struct err *e);
void token_wipe(struct token_pair *pair); /* for CLEANUP too */

#endif
