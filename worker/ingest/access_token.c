/* The access token for a custodian: as it is stored, or a new one, stored before anybody uses it.
 */
#include "worker/ingest/access_token.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/authorization.h"
#include "common/store/secret.h"
#include "common/config/clear_text.h"
#include "worker/ingest/request.h"
#include "common/greenbutton/record_url.h"
#include "common/greenbutton/oauth.h"

/* One that ends while its request is under way would be refused. */
#define FRESH_S 30
/* Another worker's refresh is over by then, one way or the other. */
#define OTHERS_MS 5000
/* New tokens exist nowhere but here until they are stored. */
#define STORE_MS 60000
#define STORE_PAUSE_MS 500

static bool is_fresh(const struct authorization *a, int64_t used)
{
    return a->access_token && a->generation > used && a->expires_in_s > FRESH_S;
}

/* There is none better: what was refreshed since lives no longer with this custodian. */
static bool is_newer(const struct authorization *a, int64_t seen)
{
    return a->access_token && a->generation > seen;
}

static bool refused(const struct parse *p, const struct authorization *a, struct err *e)
{
    return err_set(
        e, ERR_REJECT, "authorization_refused",
        "the custodian refuses its authorization (%.150s): meterbeatctl record authorize "
        "%lld",
        a->refusal, (long long)p->record.id);
}

static bool can_refresh(const struct authorization *a)
{
    return strcmp(a->grant_type, "client_credentials") == 0 ||
           (strcmp(a->grant_type, "refresh_token") == 0 && a->refresh_token);
}

static bool take(struct authorization *a, char **ret_bearer, int64_t *ret_generation)
{
    *ret_bearer = a->access_token;
    *ret_generation = a->generation;
    a->access_token = NULL;
    return true;
}

/* --- one refresh, by whoever holds the lock --------------------------------------------------- */

/* Tried again while the database is away: a one-time refresh token may be used up already. */
static bool store_surely(struct parse *p, const struct authorization *a,
                         const struct token_pair *pair, struct err *e)
{
    const struct authorization_tokens tokens = {.access_token = pair->access_token,
                                                .refresh_token = pair->refresh_token,
                                                .lifetime_s = pair->expires_in_s};
    const char *keys = p->task->settings->credentials.key;
    bool is_new;
    for (int64_t until = clock_mono_ms() + STORE_MS;;) {
        if (pg_ready(p->task->pg, e) &&
            authorization_store(p->task->pg, keys, p->custodian.destination, a->id, a->generation,
                                &tokens, &is_new, e))
            return true;
        if (e->kind != ERR_RETRY || clock_mono_ms() > until)
            return err_wrap(e, "new tokens could not be stored");
        (void)nanosleep(&(struct timespec){.tv_nsec = STORE_PAUSE_MS * 1000 * 1000}, NULL);
    }
}

static bool ask_token(struct parse *p, const struct authorization *a, struct token_pair *ret_pair,
                      struct err *e)
{
    const struct custodian *c = &p->custodian;
    const struct settings *s = p->task->settings;
    char shown[FEED_URL_SHOWN];
    int64_t place;
    if (!*c->token_url)
        return err_set(e, ERR_REJECT, "bad_custodian", "custodian %s has no token_url", c->name);
    feed_url_show(c->token_url, "", shown);
    if (!clear_text_allowed(s, c->token_url))
        return err_set(e, ERR_REJECT, "clear_text",
                       "%s: no secret is sent without encryption: https, or allow_clear_text",
                       shown);
    const struct token_request request = {
        .peer = {.url = c->token_url,
                 .shown = shown,
                 .certificate = c->certificate,
                 .private_key = c->private_key},
        .client_id = c->client_id,
        .client_secret = c->client_secret,
        .secret_in_body = strcmp(c->client_auth, "body") == 0,
        .refresh_token = strcmp(a->grant_type, "refresh_token") == 0 ? a->refresh_token : NULL,
        .scope = c->scope};
    if (!ask_enter(p, c->token_url, ASK_SHORT_MS, &place, e))
        return false;
    bool ok = authorization_asked(p->task->pg, a->id, false, e);
    if (ok) {
        crashpoint("before_token_request");
        ok = token_ask(s, &request, ret_pair, e);
    }
    ask_leave(p, place);
    return ok;
}

/* Its answer says that the token was not used up, or that nothing more can come of it. */
static bool is_answered(const struct err *e)
{
    return strcmp(e->code, "token_unavailable") == 0 || strcmp(e->code, "token_refused") == 0 ||
           strcmp(e->code, "authorization_refused") == 0;
}

/* True: it was another worker's token that was refused, whose new one is stored. */
static bool token_failed(struct parse *p, const struct authorization *a, struct err *e)
{
    struct err other;
    char why[300];
    bool is_refused = true;
    if (is_answered(e) && !authorization_asked(p->task->pg, a->id, true, &other))
        log_error(LOG_LEVEL_WARNING, "authorization_not_marked", &other);
    if (strcmp(e->code, "authorization_refused") != 0)
        return false;
    snprintf(why, sizeof why, "%s%.150s",
             a->is_unsure ? "an earlier refresh broke off before its answer was stored; " : "",
             e->text);
    if (!authorization_refuse(p->task->pg, a->id, a->generation, why, &is_refused, &other))
        log_error(LOG_LEVEL_WARNING, "authorization_not_marked", &other);
    if (!is_refused)
        return true;
    return err_wrap(e,
                    "meterbeatctl record authorize %lld: the custodian refuses its authorization",
                    (long long)p->record.id);
}

static bool refresh(struct parse *p, const struct authorization *a, struct err *e)
{
    struct token_pair pair CLEANUP(token_wipe) = {0};
    if (!ask_token(p, a, &pair, e))
        return token_failed(p, a, e);
    crashpoint("after_token_answer");
    if (!store_surely(p, a, &pair, e))
        return false;
    crashpoint("after_token_stored");
    log_event(LOG_LEVEL_INFO, "token_stored", "authorization=%lld rotated=%s", (long long)a->id,
              pair.refresh_token ? "yes" : "no");
    return true;
}

/* --- whatever it takes ------------------------------------------------------------------------ */

/* Under the lock: does it still have to be done? */
static bool refresh_if_needed(struct parse *p, int64_t id, int64_t used, int64_t seen,
                              struct err *e)
{
    struct authorization a CLEANUP(authorization_free) = {0};
    if (!authorization_get(p->task->pg, p->task->settings->credentials.key,
                           p->custodian.destination, id, &a, e))
        return false;
    if (is_fresh(&a, used) || (is_newer(&a, seen) && a.expires_in_s > 0))
        return true;
    return a.refusal[0] ? refused(p, &a, e) : refresh(p, &a, e);
}

static bool refresh_alone(struct parse *p, int64_t id, int64_t used, int64_t seen, struct err *e)
{
    struct pg *pg = p->task->pg;
    bool is_busy = false;
    for (int64_t until = clock_mono_ms() + OTHERS_MS;;) {
        if (!authorization_lock(pg, id, &is_busy, e))
            return false;
        if (!is_busy)
            break;
        if (clock_mono_ms() > until) {
            (void)err_set(e, ERR_RETRY, TASK_NOT_NOW, "another worker is asking for its token");
            e->retry_after_s = 1;
            return false;
        }
        if (!ask_pause(p, 100, e))
            return false;
    }
    bool ok = refresh_if_needed(p, id, used, seen, e);
    authorization_unlock(pg, id);
    return ok;
}

/* False without an error in code: it has to be refreshed. */
static bool usable(const struct parse *p, const struct authorization *a, int64_t used,
                   bool *ret_usable, struct err *e)
{
    *ret_usable = is_fresh(a, used);
    if (a->refusal[0])
        return refused(p, a, e);
    if (*ret_usable || can_refresh(a))
        return true;
    if (used >= 0)
        return err_set(e, ERR_REJECT, "feed_unauthorized",
                       "the custodian wants another token, and this one cannot be renewed: "
                       "meterbeatctl record authorize %lld",
                       (long long)p->record.id);
    return err_set(e, ERR_REJECT, "authorization_refused",
                   "its token has ended and cannot be renewed: meterbeatctl record authorize %lld",
                   (long long)p->record.id);
}

bool bearer_get(struct parse *p, int64_t used, char **ret_bearer, int64_t *ret_generation,
                struct err *e)
{
    const char *keys = p->task->settings->credentials.key;
    int64_t id = p->subscription.authorization_id, seen = INT64_MAX;
    for (int tries = 0; tries < 2; tries++) {
        struct authorization a CLEANUP(authorization_free) = {0};
        bool is_usable;
        if (!authorization_get(p->task->pg, keys, p->custodian.destination, id, &a, e))
            return false;
        if (strcmp(a.grant_type, "none") == 0)
            return take(&a, ret_bearer, ret_generation);
        if (!usable(p, &a, used, &is_usable, e))
            return false;
        if (is_usable || is_newer(&a, seen))
            return take(&a, ret_bearer, ret_generation);
        seen = a.generation;
        if (tries == 0 && !refresh_alone(p, id, used, seen, e))
            return false;
    }
    return err_set(e, ERR_RETRY, "token_unreadable", "the custodian's new token is not there");
}
