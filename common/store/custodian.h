/* Data Custodians, what is asked of them for which record, and with which authorization. */
#ifndef METERBEAT_STORE_CUSTODIAN_H
#define METERBEAT_STORE_CUSTODIAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/*
 * Where a custodian's secrets and tokens may be sent: scheme, host and port of base_url and
 * token_url. They are sealed for that (seal.h), so that whoever can write the table, and has not
 * the key, cannot have them sent elsewhere.
 */
#define CUSTODIAN_DESTINATION 1000
void custodian_destination(const char *base_url, const char *token_url,
                           char out[CUSTODIAN_DESTINATION]);

/* One row; strings owned, null is "". Secrets stand open here and are wiped by custodian_free. */
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

/* A record's place at a custodian. */
struct subscription {
    int64_t record_id, custodian_id, authorization_id;
    char *kind, *resource;
};

/*
 * A column that a person sets, by its name: of `custodian set`, and what list and show print.
 * Errors of all below: as pg_query, and those of seal_open and seal_make. `keys`:
 * settings.credentials.key.
 */
struct custodian_column {
    const char *name;
    bool is_secret; /* sealed; never shown */
    const char *help;
};
extern const struct custodian_column custodian_columns[];
extern const size_t custodian_columns_count;

/* A new one of this name and base_url, all else as the table has it by default. ERR_REJECT
 * "bad_custodian" when the name is taken. */
MUST_CHECK bool custodian_add(struct pg *p, const char *name, const char *base_url, int64_t *ret_id,
                              struct err *e);
/* One column of it; value NULL: a secret is taken away. With base_url and token_url all its secrets
 * and tokens are sealed anew, for which keys are needed when there are any. ERR_REJECT
 * "bad_custodian" for a value that the table refuses, "no_custodian". */
MUST_CHECK bool custodian_set(struct pg *p, const char *keys, const char *name, const char *column,
                              const char *value, struct err *e);
/* Seals for base_url and token_url as they are what is of version 1, and bound to no server yet:
 * for a person who has looked at both. *ret_count: secrets and tokens. */
MUST_CHECK bool custodian_reseal(struct pg *p, const char *keys, int64_t id, int64_t *ret_count,
                                 struct err *e);
/* With its secrets (keys NULL: without). ERR_REJECT "no_custodian". */
MUST_CHECK bool custodian_get(struct pg *p, const char *keys, int64_t id,
                              struct custodian *ret_custodian, struct err *e);
/* ERR_REJECT "no_custodian". */
MUST_CHECK bool custodian_find(struct pg *p, const char *name, int64_t *ret_id, struct err *e);
/* Also its authorizations and what it said. ERR_REJECT "custodian_in_use" while records ask it. */
MUST_CHECK bool custodian_remove(struct pg *p, const char *name, struct err *e);
void custodian_free(struct custodian *c); /* for CLEANUP too */

/* *ret_found false: the record has none, and is asked for in the seed's own way. */
MUST_CHECK bool subscription_get(struct pg *p, int64_t record_id, struct subscription *ret_s,
                                 bool *ret_found, struct err *e);
/* In the caller's transaction. Writes or replaces. */
MUST_CHECK bool subscription_put(struct pg *p, const struct subscription *s, struct err *e);
void subscription_free(struct subscription *s); /* for CLEANUP too */

#endif
