/* Data Custodians, the resource that each record requests from them, and its authorization. */
#ifndef METERBEAT_STORE_CUSTODIAN_H
#define METERBEAT_STORE_CUSTODIAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * The servers to which a custodian's secrets and tokens may be sent: scheme, host and port of
 * base_url and token_url. Secrets are bound to these (secret.h), so that someone who can write the
 * table but lacks the key cannot have them sent elsewhere.
 */
#define CUSTODIAN_DESTINATION 1000
void custodian_destination(const char *base_url, const char *token_url,
                           char out[CUSTODIAN_DESTINATION]);

/* One row; strings owned, null is "". Secrets are decrypted here and wiped by custodian_free. */
struct custodian {
    int64_t id;
    char *name, *base_url, *style;
    char *token_url, *client_id, *client_auth, *scope;
    char *min_parameter, *max_parameter, *time_format;
    int64_t ceiling_s, max_window_days;
    int64_t pending_status, poll_s, poll_max_s, pending_limit_s;
    int64_t requests_at_once, requests_per_minute;
    bool accepts_future, asks_if_changed;
    char *client_secret, *certificate, *private_key; /* NULL: none */
    char destination[CUSTODIAN_DESTINATION];         /* of its secrets and tokens */
};

/* A record's subscription at a custodian. */
struct subscription {
    int64_t record_id, custodian_id, authorization_id;
    char *kind, *resource;
};

/* A column that a person can set, by name: for `custodian set`, list and show. Errors of all
 * functions below: as pg_query, secret_decrypt and secret_encrypt. `keys`: settings.credentials.key. */
struct custodian_column {
    const char *name;
    bool is_secret; /* encrypted; never displayed */
    const char *help;
};
extern const struct custodian_column custodian_columns[];
extern const size_t custodian_columns_count;

/* Adds one with this name and base_url, and the table's defaults. ERR_REJECT "bad_custodian" if the
 * name is taken. */
MUST_CHECK bool custodian_add(struct pg *p, const char *name, const char *base_url, int64_t *ret_id,
                              struct err *e);
/*
 * Sets one column; value NULL removes a secret. Setting base_url or token_url encrypts all its
 * secrets and tokens again, which needs keys if there are any. ERR_REJECT "bad_custodian" for a
 * value that the table rejects, "no_custodian".
 */
MUST_CHECK bool custodian_set(struct pg *p, const char *keys, const char *name, const char *column,
                              const char *value, struct err *e);
/* Encrypts secrets of version 1, which are not bound to servers yet, for the current base_url and
 * token_url: for a person who has checked both. *ret_count: secrets and tokens. */
MUST_CHECK bool custodian_reseal(struct pg *p, const char *keys, int64_t id, int64_t *ret_count,
                                 struct err *e);
/* With its secrets (keys NULL: without). ERR_REJECT "no_custodian". */
MUST_CHECK bool custodian_get(struct pg *p, const char *keys, int64_t id,
                              struct custodian *ret_custodian, struct err *e);
/* ERR_REJECT "no_custodian". */
MUST_CHECK bool custodian_find(struct pg *p, const char *name, int64_t *ret_id, struct err *e);
/* Also removes its authorizations and cached resources. ERR_REJECT "custodian_in_use" while records
 * use it. */
MUST_CHECK bool custodian_remove(struct pg *p, const char *name, struct err *e);
/* For people, by name (name "": all, at most 10,000): rows of name, base_url, and how many records
 * ask it, wait for it and are refused by it; then all of it as JSON, of secrets only whether they
 * are set. NULL: as pg_query. */
MUST_CHECK PGresult *custodian_list(struct pg *p, const char *name, struct err *e);
/* Rows of id, name, base_url, token_url, by name (name "": all); only_unbound: those with a secret
 * or token of version 1, which is bound to no server. NULL: as pg_query. */
MUST_CHECK PGresult *custodian_servers(struct pg *p, const char *name, bool only_unbound,
                                       struct err *e);
void custodian_free(struct custodian *c); /* for CLEANUP too */

/* *ret_found false: the record has none, and is fetched as SEED does. */
MUST_CHECK bool subscription_get(struct pg *p, int64_t record_id, struct subscription *ret_s,
                                 bool *ret_found, struct err *e);
/* In the caller's transaction. Inserts or replaces. */
MUST_CHECK bool subscription_put(struct pg *p, const struct subscription *s, struct err *e);
/* For people: a row of the custodian's name, what is asked for, its authorization and what it waits
 * for (NULL: nothing); no row for a record without a custodian. NULL: as pg_query. */
MUST_CHECK PGresult *subscription_describe(struct pg *p, int64_t record_id, struct err *e);
void subscription_free(struct subscription *s); /* for CLEANUP too */

#endif
