/* OAuth 2.0 tokens: sealed, and refreshed by one worker at a time. */
#include "common/store/authorization.h"

#include <stdio.h>
#include <string.h>

#include "common/store/secret.h"

static void place_of(const char *column, int64_t id, char out[80])
{
    snprintf(out, 80, "meterbeat.authorization.%s of %lld", column, (long long)id);
}

static bool open_token(const PGresult *r, const char *keys, const char *destination, int column,
                       const char *name, int64_t id, char **ret_token, struct err *e)
{
    char place[80];
    const char *text = pg_text(r, 0, column);
    place_of(name, id, place);
    return !text || (*ret_token = secret_decrypt(keys, place, destination, text, e)) != NULL;
}

#define AUTHORIZATION_COLUMNS                                                                      \
    "custodian_id, grant_type, access_token, refresh_token, generation, asked_at IS NOT NULL,"     \
    " coalesce(refusal, CASE WHEN refused_at IS NULL THEN '' ELSE 'refused' END),"                 \
    " floor(extract(epoch FROM expires_at - clock_timestamp()))::bigint"

static bool authorization_read(const PGresult *r, const char *keys, const char *destination,
                               int64_t id, struct authorization *ret_a, struct err *e)
{
    struct authorization a = {.id = id,
                              .custodian_id = pg_int(r, 0, 0, 0),
                              .generation = pg_int(r, 0, 4, 0),
                              .is_unsure = pg_bool(r, 0, 5),
                              .expires_in_s = pg_int(r, 0, 7, INT64_MAX)};
    snprintf(a.grant_type, sizeof a.grant_type, "%s", pg_text(r, 0, 1));
    snprintf(a.refusal, sizeof a.refusal, "%s", pg_text(r, 0, 6));
    if (!open_token(r, keys, destination, 2, "access_token", id, &a.access_token, e) ||
        !open_token(r, keys, destination, 3, "refresh_token", id, &a.refresh_token, e)) {
        authorization_free(&a);
        return false;
    }
    *ret_a = a;
    return true;
}

/* It goes with its subscription, or a new one takes its place: who asks again finds which. */
static bool absent(int64_t id, struct err *e)
{
    return err_set(e, ERR_RETRY, "no_authorization", "meterbeat.authorization has no %lld any more",
                   (long long)id);
}

bool authorization_get(struct pg *p, const char *keys, const char *destination, int64_t id,
                       struct authorization *ret_a, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT " AUTHORIZATION_COLUMNS " FROM meterbeat.authorization WHERE id = $1",
        PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    return PQntuples(r) == 1 ? authorization_read(r, keys, destination, id, ret_a, e)
                             : absent(id, e);
}

/* Any fixed number beside the id: nobody else locks with it. */
#define LOCK_CLASS "20261124"

bool authorization_lock(struct pg *p, int64_t id, bool *ret_busy, struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT pg_try_advisory_lock(" LOCK_CLASS ", ($1::bigint % 2147483648)::integer)",
        PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    *ret_busy = !pg_bool(r, 0, 0);
    return true;
}

void authorization_unlock(struct pg *p, int64_t id)
{
    char number[PG_NUMBER];
    struct err ignored; /* it fails only with the connection, which takes the lock along */
    (void)!pg_do(p, &ignored, NULL,
                 "SELECT pg_advisory_unlock(" LOCK_CLASS ", ($1::bigint % 2147483648)::integer)",
                 PG_ARGS(pg_number(id, number)));
}

bool authorization_asked(struct pg *p, int64_t id, bool is_answered, struct err *e)
{
    char number[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.authorization SET asked_at = CASE WHEN $2 THEN NULL ELSE"
                 " clock_timestamp() END WHERE id = $1",
                 PG_ARGS(pg_number(id, number), is_answered ? "t" : "f"));
}

static char *encrypt_token(const char *keys, const char *destination, const char *column,
                           int64_t id, const char *token, struct err *e)
{
    char place[80];
    place_of(column, id, place);
    return secret_encrypt(keys, place, destination, token, e);
}

bool authorization_store(struct pg *p, const char *keys, const char *destination, int64_t id,
                         int64_t generation, const struct authorization_tokens *tokens,
                         bool *ret_new, struct err *e)
{
    char number[PG_NUMBER], lifetime[PG_NUMBER], after[PG_NUMBER];
    char *access CLEANUP(secret_keys_freep) = NULL;
    char *refresh CLEANUP(secret_keys_freep) = NULL;
    if (tokens->access_token &&
        !(access = encrypt_token(keys, destination, "access_token", id, tokens->access_token, e)))
        return false;
    if (tokens->refresh_token && !(refresh = encrypt_token(keys, destination, "refresh_token", id,
                                                           tokens->refresh_token, e)))
        return false;
    int64_t rows;
    if (!pg_do(p, e, &rows,
               "UPDATE meterbeat.authorization SET access_token = $2,"
               " refresh_token = coalesce($3, refresh_token), expires_at = clock_timestamp() +"
               " $4::bigint * interval '1 second', generation = generation + 1, asked_at = NULL,"
               " refused_at = NULL, refusal = NULL, updated_at = now() WHERE id = $1"
               " AND ($5::bigint < 0 OR generation = $5::bigint)",
               PG_ARGS(pg_number(id, number), access, refresh,
                       tokens->lifetime_s ? pg_number(tokens->lifetime_s, lifetime) : NULL,
                       pg_number(generation, after))))
        return false;
    *ret_new = rows == 1;
    return true;
}

bool authorization_refuse(struct pg *p, int64_t id, int64_t generation, const char *why,
                          bool *ret_refused, struct err *e)
{
    char number[PG_NUMBER], of[PG_NUMBER], text[200];
    int64_t rows;
    snprintf(text, sizeof text, "%s", why);
    if (!pg_do(p, e, &rows,
               "UPDATE meterbeat.authorization SET refused_at = now(), refusal = $2,"
               " updated_at = now() WHERE id = $1 AND generation = $3::bigint",
               PG_ARGS(pg_number(id, number), pg_clean(text), pg_number(generation, of))))
        return false;
    *ret_refused = rows == 1;
    return true;
}

bool authorization_add(struct pg *p, int64_t custodian_id, const char *grant_type, int64_t *ret_id,
                       struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "WITH made AS (INSERT INTO meterbeat.authorization (custodian_id, grant_type)"
        " VALUES ($1, $2) ON CONFLICT (custodian_id) WHERE grant_type = 'client_credentials'"
        " DO NOTHING RETURNING id)"
        " SELECT id FROM made UNION ALL SELECT id FROM meterbeat.authorization"
        " WHERE custodian_id = $1 AND grant_type = 'client_credentials' AND $2 = grant_type"
        " LIMIT 1",
        PG_ARGS(pg_number(custodian_id, number), grant_type));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return err_set(e, ERR_RETRY, "database_conflict", "another session made it meanwhile");
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

bool authorization_drop_unused(struct pg *p, int64_t id, struct err *e)
{
    char number[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "DELETE FROM meterbeat.authorization a WHERE id = $1 AND NOT EXISTS"
                 " (SELECT FROM meterbeat.subscription s WHERE s.authorization_id = a.id)",
                 PG_ARGS(pg_number(id, number)));
}

void authorization_free(struct authorization *a)
{
    secret_keys_free(a->access_token);
    secret_keys_free(a->refresh_token);
    *a = (struct authorization){0};
}
