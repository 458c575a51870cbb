/* Records that a custodian is asked for: added, authorized, shown. */
#include "ctl/record_custodian.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/store/authorization.h"
#include "common/store/secret.h"
#include "common/greenbutton/oauth.h"
#include "ctl/secret_input.h"
#include "ctl/table.h"

#define LIFETIME_S 3600 /* of a token whose answer does not say */

static const char *resource_of(const struct request *r)
{
    return r->bulk ? r->bulk : r->path ? r->path : r->subscription;
}

static const char *kind_of(const struct request *r)
{
    return r->bulk ? "bulk" : r->path ? "path" : "subscription";
}

static bool bad(struct err *e, const char *what)
{
    return err_set(e, ERR_REJECT, "bad_record", "%s", what);
}

bool record_custodian_fill(struct request *r, struct custodian *ret_custodian, struct err *e)
{
    int64_t id;
    if (!!r->bulk + !!r->path + !!r->subscription != 1)
        return bad(e, "--custodian needs one of --subscription, --bulk and --path");
    if (!custodian_find(r->session->pg, r->custodian, &id, e) ||
        !custodian_get(r->session->pg, NULL, id, ret_custodian, e))
        return false;
    if (!r->record.url[0])
        r->record.url = ret_custodian->base_url;
    if (!r->record.sub_id[0])
        r->record.sub_id = (char *)resource_of(r);
    if (!r->record.min_date_parameter[0] && strlen(ret_custodian->min_parameter) <= 20)
        r->record.min_date_parameter = ret_custodian->min_parameter;
    if (!r->record.max_date_parameter[0] && strlen(ret_custodian->max_parameter) <= 20)
        r->record.max_date_parameter = ret_custodian->max_parameter;
    return true;
}

bool record_custodian_put(struct request *r, int64_t custodian_id, int64_t record_id, struct err *e)
{
    struct subscription s = {.record_id = record_id,
                             .custodian_id = custodian_id,
                             .kind = (char *)kind_of(r),
                             .resource = (char *)resource_of(r)};
    const char *grant = r->grant ? r->grant : "refresh_token";
    return authorization_add(r->session->pg, custodian_id, grant, &s.authorization_id, e) &&
           subscription_put(r->session->pg, &s, e);
}

/* --- authorize -------------------------------------------------------------------------------- */

/* It goes into a header: what RFC 6749 has in tokens, and no line's end. */
static bool is_token(const char *text)
{
    for (const char *at = text; text && *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return !text || (text[0] && strlen(text) <= TOKEN_MAX);
}

static bool no_tokens(struct err *e)
{
    return bad(e, "standard input holds no answer of a token endpoint: a JSON object with "
                  "access_token, refresh_token, or both");
}

/* As the token endpoint answered when the customer consented; or only the refresh token of it. */
static bool tokens_of(const json_t *answer, struct authorization_tokens *ret_tokens, struct err *e)
{
    struct authorization_tokens t = {
        .access_token = json_string_value(json_object_get(answer, "access_token")),
        .refresh_token = json_string_value(json_object_get(answer, "refresh_token")),
        .lifetime_s = json_integer_value(json_object_get(answer, "expires_in"))};
    if (t.refresh_token && !t.refresh_token[0])
        t.refresh_token = NULL; /* how some say that there is none */
    if ((!t.access_token && !t.refresh_token) || !is_token(t.access_token) ||
        !is_token(t.refresh_token))
        return no_tokens(e);
    /* without a lifetime: a token that can be renewed soon is, any other is used until refused */
    if (t.lifetime_s <= 0 || t.lifetime_s > INT64_C(3650) * 86400)
        t.lifetime_s = t.refresh_token ? LIFETIME_S : 0;
    *ret_tokens = t;
    return true;
}

/* A new row: a refresh of the old one, under way in a worker, cannot write over these. */
static bool authorize(struct request *r, struct subscription *s,
                      const struct authorization_tokens *tokens, struct err *e)
{
    struct pg *pg = r->session->pg;
    int64_t old = s->authorization_id;
    bool is_new;
    struct custodian c CLEANUP(custodian_free) = {0};
    const char *grant = tokens->refresh_token ? "refresh_token" : "bearer";
    return pg_begin(pg, e) && custodian_get(pg, NULL, s->custodian_id, &c, e) &&
           authorization_add(pg, s->custodian_id, grant, &s->authorization_id, e) &&
           authorization_store(pg, r->ctl->settings.credentials.key, c.destination,
                               s->authorization_id, -1, tokens, &is_new, e) &&
           subscription_put(pg, s, e) && authorization_drop_unused(pg, old, e) && pg_commit(pg, e);
}

int record_authorize_run(struct request *r)
{
    struct subscription s CLEANUP(subscription_free) = {0};
    struct authorization_tokens tokens;
    struct err e;
    bool found = false;
    char *text CLEANUP(secret_keys_freep) = secret_input(NULL, &e);
    if (!text)
        return ctl_fail(&e);
    json_auto_t *answer = json_loads(text, 0, NULL);
    if (!subscription_get(r->session->pg, r->id, &s, &found, &e) ||
        (!found && !bad(&e, "it has no custodian: `record add --custodian` makes one that has")) ||
        !tokens_of(answer, &tokens, &e) || !authorize(r, &s, &tokens, &e)) {
        pg_rollback(r->session->pg);
        (void)err_wrap(&e, "record %" PRId64, r->id);
        return ctl_fail(&e);
    }
    text_print(stdout, "record %" PRId64 " is authorized\n", r->id);
    return CTL_OK;
}

/* --- show ------------------------------------------------------------------------------------- */

bool record_custodian_show(struct request *r, struct err *e)
{
    static const char *const names[] = {"custodian", "asks for", "authorization", "waiting"};
    PGresult *rows CLEANUP(pg_clear) = subscription_describe(r->session->pg, r->id, e);
    if (!rows)
        return false;
    for (int c = 0; PQntuples(rows) == 1 && c < (int)ARRAY_LEN(names); c++) {
        if (!PQgetisnull(rows, 0, c))
            text_print(stdout, "%-20s %.600s\n", names[c], pg_text(rows, 0, c));
    }
    return true;
}
