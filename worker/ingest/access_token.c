/* The access token for a custodian: the stored one, or a new one, which is stored before it is
 * used.
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
#include "worker/ingest/rate_slot.h"
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

/* What was refreshed since, however short this custodian lets it live: there is none better. */
static bool is_newer(const struct authorization *a, int64_t seen)
{
    return a->access_token && a->generation > seen;
}

static bool refused(const struct ingest_request *r, const struct authorization *a, struct err *e)
{
    return err_set(
        e, ERR_REJECT, "authorization_refused",
        "the custodian refuses its authorization (%.150s): meterbeatctl record authorize "
        "%lld",
        a->refusal, (long long)r->record.id);
}

static bool can_refresh(const struct authorization *a)
{
    return strcmp(a->grant_type, "client_credentials") == 0 ||
           (strcmp(a->grant_type, "refresh_token") == 0 && a->refresh_token);
}

static bool take(struct authorization *a, char **ret_token, int64_t *ret_generation)
{
    *ret_token = a->access_token;
    *ret_generation = a->generation;
    a->access_token = NULL;
    return true;
}

/* --- one refresh, by whoever holds the lock --------------------------------------------------- */

/* Tried again while the database is away: a one-time refresh token may be used up already. */
static bool store_surely(const struct ingest_request *r, const struct authorization *a,
                         const struct oauth_tokens *pair, struct err *e)
{
    const struct authorization_tokens tokens = {.access_token = pair->access_token,
                                                .refresh_token = pair->refresh_token,
                                                .lifetime_s = pair->expires_in_s};
    const char *keys = r->task->settings->credentials.key;
    bool is_new;
    for (int64_t until = clock_mono_ms() + STORE_MS;;) {
        if (pg_ready(r->task->pg, e) &&
            authorization_store(r->task->pg, keys, r->source.custodian.destination, a->id,
                                a->generation, &tokens, &is_new, e))
            return true;
        if ((e->kind != ERR_RETRY && e->kind != ERR_COMMIT_UNKNOWN) || clock_mono_ms() > until)
            return err_wrap(e, "new tokens could not be stored");
        (void)nanosleep(&(struct timespec){.tv_nsec = STORE_PAUSE_MS * 1000 * 1000}, NULL);
    }
}

static bool request_token(const struct ingest_request *r, const struct authorization *a,
                          struct oauth_tokens *ret_pair, struct err *e)
{
    const struct custodian *c = &r->source.custodian;
    const struct settings *s = r->task->settings;
    char shown[RECORD_URL_SHOWN];
    int64_t slot;
    if (!*c->token_url)
        return err_set(e, ERR_REJECT, "bad_custodian", "custodian %s has no token_url", c->name);
    record_url_show(c->token_url, "", shown);
    if (!clear_text_allowed(s, c->token_url))
        return err_set(e, ERR_REJECT, "clear_text",
                       "%s: no secret is sent without encryption: https, or allow_clear_text",
                       shown);
    const struct oauth_request request = {
        .peer = {.url = c->token_url,
                 .shown = shown,
                 .certificate = c->certificate,
                 .private_key = c->private_key},
        .client_id = c->client_id,
        .client_secret = c->client_secret,
        .secret_in_body = strcmp(c->client_auth, "body") == 0,
        .refresh_token = strcmp(a->grant_type, "refresh_token") == 0 ? a->refresh_token : NULL,
        .scope = c->scope};
    if (!rate_slot_acquire(r->task, c, c->token_url, RATE_SLOT_SHORT_MS, &slot, e))
        return false;
    bool ok = authorization_asked(r->task->pg, a->id, false, e);
    if (ok) {
        failpoint("before_token_request");
        ok = oauth_request_token(s, &request, ret_pair, e);
    }
    rate_slot_release(r->task, slot);
    return ok;
}

/* Its answer says that the token was not used up, or that nothing more can come of it. */
static bool is_answered(const struct err *e)
{
    return strcmp(e->code, "token_unavailable") == 0 || strcmp(e->code, "token_refused") == 0 ||
           strcmp(e->code, "authorization_refused") == 0;
}

/* True: it was another worker's token that was refused, whose new one is stored. */
static bool token_failed(const struct ingest_request *r, const struct authorization *a,
                         struct err *e)
{
    struct err other;
    char why[300];
    bool is_refused = true;
    if (is_answered(e) && !authorization_asked(r->task->pg, a->id, true, &other))
        log_error(LOG_LEVEL_WARNING, "authorization_not_marked", &other);
    if (strcmp(e->code, "authorization_refused") != 0)
        return false;
    snprintf(why, sizeof why, "%s%.150s",
             a->is_unsure ? "an earlier refresh broke off before its answer was stored; " : "",
             e->text);
    if (!authorization_refuse(r->task->pg, a->id, a->generation, why, &is_refused, &other))
        log_error(LOG_LEVEL_WARNING, "authorization_not_marked", &other);
    if (!is_refused)
        return true;
    return err_wrap(e,
                    "meterbeatctl record authorize %lld: the custodian refuses its authorization",
                    (long long)r->record.id);
}

static bool refresh(const struct ingest_request *r, const struct authorization *a, struct err *e)
{
    struct oauth_tokens pair CLEANUP(oauth_wipe_token) = {0};
    if (!request_token(r, a, &pair, e))
        return token_failed(r, a, e);
    failpoint("after_token_answer");
    if (!store_surely(r, a, &pair, e))
        return false;
    failpoint("after_token_stored");
    log_event(LOG_LEVEL_INFO, "token_stored", "authorization=%lld rotated=%s", (long long)a->id,
              pair.refresh_token ? "yes" : "no");
    return true;
}

/* --- whatever it takes ------------------------------------------------------------------------ */

/* Under the lock: does it still have to be done? */
static bool refresh_if_needed(const struct ingest_request *r, int64_t id, int64_t used,
                              int64_t seen, struct err *e)
{
    struct authorization a CLEANUP(authorization_free) = {0};
    if (!authorization_get(r->task->pg, r->task->settings->credentials.key,
                           r->source.custodian.destination, id, &a, e))
        return false;
    if (is_fresh(&a, used) || (is_newer(&a, seen) && a.expires_in_s > 0))
        return true;
    return a.refusal[0] ? refused(r, &a, e) : refresh(r, &a, e);
}

static bool refresh_alone(const struct ingest_request *r, int64_t id, int64_t used, int64_t seen,
                          struct err *e)
{
    struct pg *pg = r->task->pg;
    bool is_busy = false;
    for (int64_t until = clock_mono_ms() + OTHERS_MS;;) {
        if (!authorization_lock(pg, id, &is_busy, e))
            return false;
        if (!is_busy)
            break;
        if (clock_mono_ms() > until) {
            (void)err_set(e, ERR_NOT_NOW, "not_now", "another worker is asking for its token");
            e->retry_after_s = 1;
            return false;
        }
        if (!task_sleep(r->task, 100, NULL, e))
            return false;
    }
    bool ok = refresh_if_needed(r, id, used, seen, e);
    authorization_unlock(pg, id);
    return ok;
}

/* False without an error in code: it has to be refreshed. */
static bool usable(const struct ingest_request *r, const struct authorization *a, int64_t used,
                   bool *ret_usable, struct err *e)
{
    *ret_usable = is_fresh(a, used);
    if (a->refusal[0])
        return refused(r, a, e);
    if (*ret_usable || can_refresh(a))
        return true;
    if (used >= 0)
        return err_set(e, ERR_REJECT, "feed_unauthorized",
                       "the custodian wants another token, and this one cannot be renewed: "
                       "meterbeatctl record authorize %lld",
                       (long long)r->record.id);
    return err_set(e, ERR_REJECT, "authorization_refused",
                   "its token has ended and cannot be renewed: meterbeatctl record authorize %lld",
                   (long long)r->record.id);
}

bool access_token_get(const struct ingest_request *r, int64_t used, char **ret_token,
                      int64_t *ret_generation, struct err *e)
{
    const char *keys = r->task->settings->credentials.key;
    int64_t id = r->source.subscription.authorization_id, seen = INT64_MAX;
    for (int tries = 0; tries < 2; tries++) {
        struct authorization a CLEANUP(authorization_free) = {0};
        bool is_usable;
        if (!authorization_get(r->task->pg, keys, r->source.custodian.destination, id, &a, e))
            return false;
        if (strcmp(a.grant_type, "none") == 0)
            return take(&a, ret_token, ret_generation);
        if (!usable(r, &a, used, &is_usable, e))
            return false;
        if (is_usable || is_newer(&a, seen))
            return take(&a, ret_token, ret_generation);
        seen = a.generation;
        if (tries == 0 && !refresh_alone(r, id, used, seen, e))
            return false;
    }
    return err_set(e, ERR_RETRY, "token_unreadable", "the custodian's new token is not there");
}
