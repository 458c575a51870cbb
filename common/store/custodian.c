/* Data Custodians, what is asked of them for which record, and with which authorization. */
#include "common/store/custodian.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/secret.h"

const struct custodian_column custodian_columns[] = {
    {"base_url", false, "where its resources are: https://.../espi/1_1/resource"},
    {"style", false, "rest: ESPI's paths; seed: the record's own URL"},
    {"token_url", false, "OAuth 2.0 token endpoint"},
    {"client_id", false, "who we are there"},
    {"client_secret", true, "and how we show it"},
    {"client_auth", false, "basic: in a header; body: in the form"},
    {"scope", false, "sent when it is asked for a token of our own (bulk)"},
    {"certificate", true, "client certificate and chain, PEM: mutual TLS"},
    {"private_key", true, "its private key, PEM"},
    {"min_parameter", false, "name of the first instant: published-min, publishedMin"},
    {"max_parameter", false, "name of the last instant"},
    {"time_format", false, "rfc3339 (whole seconds, UTC) or epoch"},
    {"ceiling_s", false, "nothing newer than this many seconds is asked for"},
    {"accepts_future", false, "true: the last instant may lie in the future"},
    {"max_window_days", false, "longest span of one request, days"},
    {"pending_status", false, "what it says, beside 202, while an answer is being made"},
    {"poll_s", false, "first pause after a 202, seconds; each next one is twice as long"},
    {"poll_max_s", false, "longest pause"},
    {"pending_limit_s", false, "after this many seconds of 202 it is given up"},
    {"asks_if_changed", false, "false: no If-None-Match, no If-Modified-Since"},
    {"requests_at_once", false, "at most, by all workers together"},
    {"requests_per_minute", false, "at most, by all workers together"},
};
const size_t custodian_columns_count = ARRAY_LEN(custodian_columns);

static const struct custodian_column *column_find(const char *name)
{
    for (size_t i = 0; i < custodian_columns_count; i++)
        if (strcmp(custodian_columns[i].name, name) == 0)
            return &custodian_columns[i];
    return NULL;
}

static bool absent(const char *name, struct err *e)
{
    return err_set(e, ERR_REJECT, "no_custodian", "no custodian is called \"%.60s\"", name);
}

/* What a check of the table says is about the value that was given. */
static bool refused(struct err *e, const char *what)
{
    if (e->kind == ERR_REJECT)
        snprintf(e->code, sizeof e->code, "bad_custodian");
    return err_wrap(e, "%s", what);
}

/* --- a person's changes ----------------------------------------------------------------------- */

bool custodian_add(struct pg *p, const char *name, const char *base_url, int64_t *ret_id,
                   struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "INSERT INTO meterbeat.custodian (name, base_url) VALUES ($1, $2)"
                 " ON CONFLICT (name) DO NOTHING RETURNING id",
                 PG_ARGS(name, base_url));
    if (!r)
        return refused(e, name);
    if (PQntuples(r) == 0)
        return err_set(e, ERR_REJECT, "bad_custodian", "a custodian is called \"%.60s\" already",
                       name);
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

/* Where a secret is kept: it opens nowhere else. */
static void place_of(const char *column, int64_t id, char out[80])
{
    snprintf(out, 80, "meterbeat.custodian.%s of %lld", column, (long long)id);
}

/* "https://utility.example:443"; one that is no URL cannot be asked either. */
static void origin_of(const char *url, char *out, size_t room)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool is_url = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                  curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    (void)snprintf(out, room, "%s://%s:%s", is_url ? scheme : "none", is_url ? host : "none",
                   is_url ? port : "0");
    for (char *at = out; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}

void custodian_destination(const char *base_url, const char *token_url,
                           char out[CUSTODIAN_DESTINATION])
{
    char base[CUSTODIAN_DESTINATION / 2], token[CUSTODIAN_DESTINATION / 2 - 1];
    origin_of(base_url, base, sizeof base);
    origin_of(token_url, token, sizeof token);
    (void)snprintf(out, CUSTODIAN_DESTINATION, "%s %s", base, token);
}

/* Of the row as it is, which stays so until the transaction ends. */
static bool destination_get(struct pg *p, int64_t id, char out[CUSTODIAN_DESTINATION],
                            struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT base_url, token_url FROM meterbeat.custodian WHERE id = $1 FOR UPDATE",
        PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return absent(number, e);
    custodian_destination(pg_text(r, 0, 0), pg_text(r, 0, 1), out);
    return true;
}

/* One secret of one row, sealed for `from` (NULL: version 1), anew for `to`. */
static bool reseal_one(struct pg *p, const char *keys, const PGresult *r, int row, const char *from,
                       const char *to, struct err *e)
{
    const char *table = pg_text(r, row, 0), *column = pg_text(r, row, 1);
    int64_t id = pg_int(r, row, 2, 0);
    char place[80], sql[160], number[PG_NUMBER];
    (void)snprintf(place, sizeof place, "meterbeat.%s.%s of %lld", table, column, (long long)id);
    char *secret CLEANUP(secret_keys_freep) =
        secret_decrypt(keys, place, from, pg_text(r, row, 3), e);
    char *text CLEANUP(secret_keys_freep) =
        secret ? secret_encrypt(keys, place, to, secret, e) : NULL;
    /* both names are words of the query below */
    (void)snprintf(sql, sizeof sql, "UPDATE meterbeat.%s SET %s = $2 WHERE id = $1", table, column);
    return text && pg_do(p, e, NULL, sql, PG_ARGS(pg_number(id, number), text));
}

/* All that is of the version of `from`, in the caller's transaction. */
static bool reseal(struct pg *p, const char *keys, int64_t id, const char *from, const char *to,
                   int64_t *ret_count, struct err *e)
{
    char number[PG_NUMBER];
    *ret_count = 0;
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT s.* FROM ("
        " SELECT 'custodian', v.name, c.id, v.text FROM meterbeat.custodian c, LATERAL (VALUES"
        "  ('client_secret', c.client_secret), ('certificate', c.certificate),"
        "  ('private_key', c.private_key)) AS v (name, text) WHERE c.id = $1"
        " UNION ALL"
        " SELECT 'authorization', v.name, a.id, v.text FROM (SELECT * FROM"
        "  meterbeat.authorization WHERE custodian_id = $1 FOR UPDATE) a, LATERAL (VALUES"
        "  ('access_token', a.access_token), ('refresh_token', a.refresh_token)) AS v (name, text)"
        ") AS s (kind, name, id, text) WHERE text LIKE $2",
        PG_ARGS(pg_number(id, number), from ? "v2.%" : "v1.%"));
    if (!r)
        return false;
    for (int row = 0; row < PQntuples(r); row++)
        if (!reseal_one(p, keys, r, row, from, to, e))
            return false;
    *ret_count = PQntuples(r);
    return true;
}

static bool reseal_alone(struct pg *p, const char *keys, int64_t id, int64_t *ret_count,
                         struct err *e)
{
    char destination[CUSTODIAN_DESTINATION];
    return pg_begin(p, e) && destination_get(p, id, destination, e) &&
           reseal(p, keys, id, NULL, destination, ret_count, e) && pg_commit(p, e);
}

bool custodian_reseal(struct pg *p, const char *keys, int64_t id, int64_t *ret_count, struct err *e)
{
    bool ok = reseal_alone(p, keys, id, ret_count, e);
    if (!ok)
        pg_rollback(p);
    return ok;
}

static bool set_sealed(struct pg *p, const char *keys, int64_t id, const char *column,
                       const char *value, struct err *e)
{
    char number[PG_NUMBER], sql[120], place[80], destination[CUSTODIAN_DESTINATION];
    place_of(column, id, place);
    if (!destination_get(p, id, destination, e))
        return false;
    char *text CLEANUP(secret_keys_freep) =
        value ? secret_encrypt(keys, place, destination, value, e) : NULL;
    if (value && !text)
        return false;
    snprintf(sql, sizeof sql, "UPDATE meterbeat.custodian SET %s = $2 WHERE id = $1", column);
    return pg_do(p, e, NULL, sql, PG_ARGS(pg_number(id, number), text));
}

/* base_url and token_url: what is sealed goes along. */
static bool set_url(struct pg *p, const char *keys, int64_t id, const char *sql, const char *value,
                    struct err *e)
{
    char number[PG_NUMBER], from[CUSTODIAN_DESTINATION], to[CUSTODIAN_DESTINATION];
    int64_t count;
    return pg_begin(p, e) && destination_get(p, id, from, e) &&
           pg_do(p, e, NULL, sql, PG_ARGS(pg_number(id, number), value)) &&
           destination_get(p, id, to, e) &&
           (strcmp(from, to) == 0 || reseal(p, keys, id, from, to, &count, e)) && pg_commit(p, e);
}

bool custodian_set(struct pg *p, const char *keys, const char *name, const char *column,
                   const char *value, struct err *e)
{
    const struct custodian_column *c = column_find(column);
    char number[PG_NUMBER], sql[120];
    int64_t id;
    if (!c)
        return err_set(e, ERR_REJECT, "bad_custodian", "a custodian has no \"%.60s\"", column);
    if (!custodian_find(p, name, &id, e))
        return false;
    if (c->is_secret)
        return set_sealed(p, keys, id, c->name, value, e);
    /* the name is one of the table above, so it can stand in the statement */
    snprintf(sql, sizeof sql, "UPDATE meterbeat.custodian SET %s = $2 WHERE id = $1", c->name);
    if (strcmp(c->name, "base_url") == 0 || strcmp(c->name, "token_url") == 0) {
        if (set_url(p, keys, id, sql, value ? value : "", e))
            return true;
        pg_rollback(p);
        return strncmp(e->code, "seal", 4) == 0 || strstr(e->code, "key") ? false
                                                                          : refused(e, c->name);
    }
    return pg_do(p, e, NULL, sql, PG_ARGS(pg_number(id, number), value ? value : "")) ||
           refused(e, c->name);
}

bool custodian_remove(struct pg *p, const char *name, struct err *e)
{
    int64_t id, rows;
    char number[PG_NUMBER];
    if (!custodian_find(p, name, &id, e))
        return false;
    if (!pg_do(p, e, &rows,
               "DELETE FROM meterbeat.custodian WHERE id = $1 AND NOT EXISTS"
               " (SELECT FROM meterbeat.subscription s JOIN seed_ts_parser_record r"
               "  ON r.id = s.record_id WHERE s.custodian_id = $1)",
               PG_ARGS(pg_number(id, number))))
        return false;
    return rows == 1 || err_set(e, ERR_REJECT, "custodian_in_use",
                                "records ask \"%.60s\": remove them, or give them another", name);
}

/* --- reading ---------------------------------------------------------------------------------- */

#define CUSTODIAN_COLUMNS                                                                          \
    "id, name, base_url, style, token_url, client_id, client_auth, scope, min_parameter,"          \
    " max_parameter, time_format, ceiling_s, max_window_days, pending_status, poll_s, poll_max_s," \
    " pending_limit_s, requests_at_once, requests_per_minute, accepts_future, asks_if_changed,"    \
    " client_secret, certificate, private_key"

static char *copy(const PGresult *r, int column)
{
    const char *text = pg_text(r, 0, column);
    return strdup(text ? text : "");
}

static bool open_secret(const PGresult *r, const char *keys, int column, const char *name,
                        const struct custodian *c, char **ret_secret, struct err *e)
{
    char place[80];
    const char *text = pg_text(r, 0, column);
    *ret_secret = NULL;
    if (!text || !keys)
        return true;
    place_of(name, c->id, place);
    return (*ret_secret = secret_decrypt(keys, place, c->destination, text, e)) != NULL;
}

static bool custodian_read(const PGresult *r, const char *keys, struct custodian *c, struct err *e)
{
    char **texts[] = {&c->name,          &c->base_url,    &c->style, &c->token_url,
                      &c->client_id,     &c->client_auth, &c->scope, &c->min_parameter,
                      &c->max_parameter, &c->time_format};
    int64_t *numbers[] = {&c->ceiling_s,        &c->max_window_days,    &c->pending_status,
                          &c->poll_s,           &c->poll_max_s,         &c->pending_limit_s,
                          &c->requests_at_once, &c->requests_per_minute};
    int column = 0;
    c->id = pg_int(r, 0, column++, 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!(*texts[i] = copy(r, column++)))
            return err_set(e, ERR_RETRY, "no_memory", "no memory for a custodian");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = pg_int(r, 0, column++, 0);
    c->accepts_future = pg_bool(r, 0, column++);
    c->asks_if_changed = pg_bool(r, 0, column++);
    custodian_destination(c->base_url, c->token_url, c->destination);
    return open_secret(r, keys, column, "client_secret", c, &c->client_secret, e) &&
           open_secret(r, keys, column + 1, "certificate", c, &c->certificate, e) &&
           open_secret(r, keys, column + 2, "private_key", c, &c->private_key, e);
}

bool custodian_get(struct pg *p, const char *keys, int64_t id, struct custodian *ret_custodian,
                   struct err *e)
{
    char number[PG_NUMBER];
    struct custodian c = {0};
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT " CUSTODIAN_COLUMNS " FROM meterbeat.custodian WHERE id = $1",
                 PG_ARGS(pg_number(id, number)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return absent(number, e);
    if (!custodian_read(r, keys, &c, e)) {
        custodian_free(&c);
        return false;
    }
    *ret_custodian = c;
    return true;
}

bool custodian_find(struct pg *p, const char *name, int64_t *ret_id, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT id FROM meterbeat.custodian WHERE name = $1", PG_ARGS(name));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return absent(name, e);
    *ret_id = pg_int(r, 0, 0, 0);
    return true;
}

void custodian_free(struct custodian *c)
{
    char *texts[] = {c->name,          c->base_url,    c->style, c->token_url,
                     c->client_id,     c->client_auth, c->scope, c->min_parameter,
                     c->max_parameter, c->time_format};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    secret_keys_free(c->client_secret);
    secret_keys_free(c->certificate);
    secret_keys_free(c->private_key);
    *c = (struct custodian){0};
}

/* --- subscriptions ---------------------------------------------------------------------------- */

bool subscription_get(struct pg *p, int64_t record_id, struct subscription *ret_s, bool *ret_found,
                      struct err *e)
{
    char number[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT kind, resource, custodian_id, authorization_id FROM meterbeat.subscription"
                 " WHERE record_id = $1",
                 PG_ARGS(pg_number(record_id, number)));
    if (!r)
        return false;
    *ret_found = PQntuples(r) == 1;
    if (!*ret_found)
        return true;
    struct subscription s = {.record_id = record_id,
                             .kind = copy(r, 0),
                             .resource = copy(r, 1),
                             .custodian_id = pg_int(r, 0, 2, 0),
                             .authorization_id = pg_int(r, 0, 3, 0)};
    if (!s.kind || !s.resource) {
        subscription_free(&s);
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a subscription");
    }
    *ret_s = s;
    return true;
}

bool subscription_put(struct pg *p, const struct subscription *s, struct err *e)
{
    char record[PG_NUMBER], custodian[PG_NUMBER], authorization[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.subscription (record_id, custodian_id, kind, resource,"
                 " authorization_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (record_id) DO UPDATE"
                 " SET custodian_id = excluded.custodian_id, kind = excluded.kind,"
                 " resource = excluded.resource, authorization_id = excluded.authorization_id",
                 PG_ARGS(pg_number(s->record_id, record), pg_number(s->custodian_id, custodian),
                         s->kind, s->resource, pg_number(s->authorization_id, authorization)));
}

void subscription_free(struct subscription *s)
{
    free(s->kind);
    free(s->resource);
    *s = (struct subscription){0};
}

/* --- for people ------------------------------------------------------------------------------ */

PGresult *custodian_list(struct pg *p, const char *name, struct err *e)
{
    return pg_query(
        p, e,
        "SELECT c.name, c.base_url, (SELECT count(*) FROM meterbeat.subscription s"
        "  WHERE s.custodian_id = c.id), (SELECT count(*) FROM meterbeat.pending p"
        "  JOIN meterbeat.subscription s USING (record_id) WHERE s.custodian_id = c.id),"
        " (SELECT count(*) FROM meterbeat.authorization a WHERE a.custodian_id = c.id"
        "  AND a.refused_at IS NOT NULL),"
        " to_jsonb(c) - '{client_secret,certificate,private_key}'::text[] ||"
        " jsonb_build_object('client_secret', c.client_secret IS NOT NULL, 'certificate',"
        " c.certificate IS NOT NULL, 'private_key', c.private_key IS NOT NULL)"
        " FROM meterbeat.custodian c WHERE $1 = '' OR c.name = $1 ORDER BY c.name LIMIT 10000",
        PG_ARGS(name));
}

PGresult *custodian_servers(struct pg *p, const char *name, bool only_unbound, struct err *e)
{
    return pg_query(
        p, e,
        "SELECT c.id, c.name, c.base_url, c.token_url FROM meterbeat.custodian c"
        " WHERE ($1 = '' OR c.name = $1) AND (NOT $2 OR c.client_secret LIKE 'v1.%'"
        " OR c.certificate LIKE 'v1.%' OR c.private_key LIKE 'v1.%' OR EXISTS (SELECT FROM"
        " meterbeat.authorization a WHERE a.custodian_id = c.id AND (a.access_token LIKE 'v1.%'"
        " OR a.refresh_token LIKE 'v1.%'))) ORDER BY c.name",
        PG_ARGS(name, only_unbound ? "true" : "false"));
}

PGresult *subscription_describe(struct pg *p, int64_t record_id, struct err *e)
{
    char number[PG_NUMBER];
    return pg_query(
        p, e,
        "SELECT c.name, s.kind || ' ' || s.resource, CASE WHEN a.refused_at IS NOT NULL THEN"
        "  'refused since ' || to_char(a.refused_at AT TIME ZONE 'UTC',"
        "  'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || ': ' || coalesce(a.refusal, '')"
        "  ELSE a.grant_type || CASE WHEN a.access_token IS NULL AND a.grant_type <> 'none'"
        "  THEN ', no token yet' ELSE '' END END,"
        " (SELECT 'asked ' || p.polls || ' times, again at ' || to_char(p.next_poll_at AT TIME"
        "  ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM meterbeat.pending p"
        "  WHERE p.record_id = s.record_id ORDER BY p.next_poll_at LIMIT 1)"
        " FROM meterbeat.subscription s JOIN meterbeat.custodian c ON c.id = s.custodian_id"
        " JOIN meterbeat.authorization a ON a.id = s.authorization_id WHERE s.record_id = $1",
        PG_ARGS(pg_number(record_id, number)));
}
