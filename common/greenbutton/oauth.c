/* OAuth 2.0 tokens from a custodian's token endpoint: the request, and what its answer means. */
#include "common/greenbutton/oauth.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/redact.h"

#define LIFETIME_MAX_S (INT64_C(3650) * 86400)

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void oauth_wipe_token(struct oauth_tokens *pair)
{
    wipe(pair->access_token);
    wipe(pair->refresh_token);
    *pair = (struct oauth_tokens){0};
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A token goes into a header and a form: RFC 6749 has visible ASCII and blanks only. */
static char *token_copy(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = text ? json_string_length(value) : 0;
    if (len == 0 || len > TOKEN_MAX)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return NULL;
    return strdup(text);
}

/* A number, or one written as a text, as some servers do. */
static int64_t lifetime(const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t s = TOKEN_LIFETIME_S;
    double number = json_number_value(value);
    if (json_is_number(value))
        s = number < 1 ? 1 : number < (double)LIFETIME_MAX_S ? (int64_t)number : LIFETIME_MAX_S;
    else if (text && *text && strlen(text) < 12 && strspn(text, "0123456789") == strlen(text))
        s = strtoll(text, NULL, 10);
    return s < 1 ? 1 : s > LIFETIME_MAX_S ? LIFETIME_MAX_S : s;
}

/* The error code and its description, as far as they can be shown. */
static void refusal_text(const json_t *answer, char out[200])
{
    const char *code = json_string_value(json_object_get(answer, "error"));
    const char *why = json_string_value(json_object_get(answer, "error_description"));
    snprintf(out, 200, "%.60s%s%.120s", code ? code : "no reason given", why ? ": " : "",
             why ? why : "");
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
            *at = '?';
}

static bool refused(const json_t *answer, long status, const char *shown, struct err *e)
{
    const char *code = json_string_value(json_object_get(answer, "error"));
    char text[200];
    refusal_text(answer, text);
    if (code && strcmp(code, "invalid_grant") == 0)
        return err_set(e, ERR_REJECT, "authorization_refused", "HTTP %ld from %s: %s", status,
                       shown, text);
    return err_set(e, ERR_REJECT, "token_refused", "HTTP %ld from %s: %s", status, shown, text);
}

static bool unreadable(const char *shown, const char *why, struct err *e)
{
    return err_set(e, ERR_RETRY, "token_unreadable", "%s: %s", shown, why);
}

static bool pair_read(const json_t *answer, const char *shown, struct oauth_tokens *ret_pair,
                      struct err *e)
{
    const char *type = json_string_value(json_object_get(answer, "token_type"));
    const json_t *refresh = json_object_get(answer, "refresh_token");
    if (type && strcasecmp(type, "bearer") != 0)
        return unreadable(shown, "its token_type is not Bearer", e);
    struct oauth_tokens pair = {.access_token = token_copy(json_object_get(answer, "access_token")),
                                .refresh_token = token_copy(refresh),
                                .expires_in_s = lifetime(json_object_get(answer, "expires_in"))};
    /* an empty one is how some say that there is no new one */
    bool is_bad = !pair.access_token || (json_string_length(refresh) > 0 && !pair.refresh_token);
    if (is_bad) {
        oauth_wipe_token(&pair);
        return unreadable(shown, "no token that can be used in its answer", e);
    }
    *ret_pair = pair;
    return true;
}

bool oauth_read_token(long status, const char *body, size_t len, const char *shown,
                      struct oauth_tokens *ret_pair, struct err *e)
{
    /* a number beyond all integers is no reason to lose a one-time token */
    json_auto_t *answer =
        len ? json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    const json_t *error = json_object_get(answer, "error");
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return err_set(e, ERR_RETRY, "token_unavailable", "HTTP %ld from %s", status, shown);
    if (status >= 300)
        return refused(answer, status, shown, e);
    if (status != 200 || !json_is_object(answer))
        return unreadable(shown, "its answer is no JSON object", e);
    if (error && !json_is_null(error))
        return refused(answer, status, shown, e);
    return pair_read(answer, shown, ret_pair, e);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool form_add(struct buf *form, const char *name, const char *value, struct err *e)
{
    if (!value || !*value)
        return true;
    if (!buf_printf(form, e, "%s%s=", form->len ? "&" : "", name))
        return false;
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = isalnum(c) || strchr("-._~", c);
        if (plain ? !buf_append(form, value, 1, e) : !buf_printf(form, e, "%%%02X", c))
            return false;
    }
    return true;
}

static bool form_make(const struct oauth_request *r, struct buf *form, struct err *e)
{
    bool in_body = r->secret_in_body || !r->client_secret;
    return form_add(form, "grant_type", r->refresh_token ? "refresh_token" : "client_credentials",
                    e) &&
           form_add(form, "refresh_token", r->refresh_token, e) &&
           form_add(form, "scope", r->refresh_token ? NULL : r->scope, e) &&
           form_add(form, "client_id", in_body ? r->client_id : NULL, e) &&
           form_add(form, "client_secret", in_body ? r->client_secret : NULL, e);
}

static void secret_buf_free(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_free(b);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    return buf_append(context, bytes, size * count, NULL) ? size * count : 0;
}

static bool token_prepare(CURL *c, const struct oauth_request *r, const struct buf *form,
                          struct buf *body, struct err *e)
{
    CURLcode code = curl_easy_setopt(c, CURLOPT_POSTFIELDS, form->data);
    code |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)form->len);
    code |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    code |= curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    return code == CURLE_OK ||
           err_set(e, ERR_RETRY, "no_memory", "cannot prepare a request to %s", r->peer.shown);
}

bool oauth_request_token(const struct settings *s, const struct oauth_request *r,
                         struct oauth_tokens *ret_pair, struct err *e)
{
    bool by_header = r->client_secret && !r->secret_in_body;
    CURL *c CLEANUP(http_free) =
        http_new(&(struct http_setup){.connect_timeout_s = s->feed.connect_timeout_s,
                                      .timeout_s = s->feed.token_timeout_s,
                                      .ca_file = s->feed.ca_file,
                                      .user = by_header ? r->client_id : NULL,
                                      .password = by_header ? r->client_secret : NULL});
    struct buf form CLEANUP(secret_buf_free) = buf_make(4 * TOKEN_MAX);
    struct buf body CLEANUP(secret_buf_free) = buf_make(TOKEN_ANSWER_MAX);
    struct http_guard guard = {.peer = &r->peer};
    if (!c)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a request");
    if (!form_make(r, &form, e) || !http_prepare(c, s, &guard, e) ||
        !token_prepare(c, r, &form, &body, e))
        return false;
    CURLcode code = curl_easy_perform(c);
    long status = http_status(c);
    curl_off_t retry_after = 0;
    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &retry_after);
    if (code == CURLE_WRITE_ERROR && guard.failure.kind == ERR_NONE)
        return unreadable(r->peer.shown, "more than 64 KiB of answer", e);
    if (code != CURLE_OK)
        return http_failure(c, &guard, code, body.len, e);
    if (oauth_read_token(status, body.data ? body.data : "", body.len, r->peer.shown, ret_pair, e))
        return true;
    /* some repeat in error_description what they were sent */
    redact_err(e, &(struct redact_secrets){.of = {r->client_secret, r->refresh_token}});
    if (e->kind == ERR_RETRY && retry_after > 0)
        e->retry_after_s = retry_after < 86400 ? (int32_t)retry_after : 86400;
    return false;
}
