/* How a setting may be shown: on a screen, over remote control, in an error. */
#include "common/config/redacted.h"

#include <ctype.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/attr.h"

/* From this length on, a value with digits and letters that nobody has to fill in is a key. */
#define KEY_LENGTH 16

struct out {
    char *text;
    size_t used;
};

static void put(struct out *o, const char *text, size_t len)
{
    if (o->used + len >= SETTING_REDACTED)
        len = SETTING_REDACTED - 1 - o->used;
    memcpy(o->text + o->used, text, len);
    o->used += len;
    o->text[o->used] = '\0';
}

static bool names_a_secret(const char *name, size_t len)
{
    static const char *const words[] = {"pass", "pwd",  "secret", "token", "key",    "auth",
                                        "sig",  "cred", "code",   "jwt",   "bearer", "session"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        for (size_t at = 0; at + strlen(words[i]) <= len; at++)
            if (strncasecmp(name + at, words[i], strlen(words[i])) == 0)
                return true;
    return false;
}

static bool looks_like_a_key(const char *text, size_t len)
{
    bool has_digit = false, has_letter = false;
    for (size_t i = 0; i < len; i++) {
        has_digit |= isdigit((unsigned char)text[i]) != 0;
        has_letter |= isalpha((unsigned char)text[i]) != 0;
        if (text[i] == '{' || text[i] == '.') /* a place that is filled in, a name; or a JWT */
            return len >= KEY_LENGTH && strncmp(text, "eyJ", 3) == 0 && !memchr(text, '{', len);
    }
    return len >= KEY_LENGTH && has_digit && has_letter;
}

static void put_query(struct out *o, const char *query, size_t len)
{
    for (const char *end = query + len; query < end;) {
        size_t part = strcspn(query, "&;#");
        part = query + part > end ? (size_t)(end - query) : part;
        const char *is = memchr(query, '=', part);
        size_t name = is ? (size_t)(is - query) : part, value = is ? part - name - 1 : 0;
        bool is_filled_in = is && is[1] == '{' && query[part - 1] == '}';
        bool is_secret = value && !is_filled_in &&
                         (names_a_secret(query, name) || looks_like_a_key(is + 1, value));
        put(o, query, is_secret ? name + 1 : part);
        if (is_secret)
            put(o, "***", 3);
        query += part;
        if (query < end)
            put(o, query++, 1);
    }
}

static void put_path(struct out *o, const char *path, size_t len)
{
    for (const char *end = path + len; path < end;) {
        size_t part = strcspn(path, "/");
        part = path + part > end ? (size_t)(end - path) : part;
        bool is_key = looks_like_a_key(path, part);
        put(o, is_key ? "***" : path, is_key ? 3 : part);
        path += part;
        if (path < end)
            put(o, path++, 1);
    }
}

/* One URL, or a path alone. */
static void put_url(struct out *o, const char *url, size_t len)
{
    const char *end = url + len, *mark = memmem(url, len, "://", 3);
    const char *path = url;
    if (mark) {
        const char *authority = mark + 3, *stop = authority;
        while (stop < end && !strchr("/?#", *stop))
            stop++;
        /* a password with a slash in it ends the authority for whoever reads by the rules */
        const char *all = authority;
        while (all < end && !strchr("?#", *all))
            all++;
        const char *at = memrchr(authority, '@', (size_t)(stop - authority));
        if (!at && memchr(authority, ':', (size_t)(stop - authority)))
            at = memrchr(authority, '@', (size_t)(all - authority));
        if (at && at > stop)
            stop = at;
        put(o, url, (size_t)(authority - url));
        const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
        size_t user = at ? (size_t)((colon ? colon : at) - authority) : 0;
        bool is_key = looks_like_a_key(authority, user); /* else the user is no secret */
        put(o, is_key ? "***" : authority, is_key ? 3 : user);
        if (colon)
            put(o, ":***", 4);
        const char *host = at ? at : authority;
        while (stop < end && !strchr("/?#", *stop))
            stop++;
        put(o, host, (size_t)(stop - host));
        path = stop;
    }
    const char *query = path;
    while (query < end && *query != '?')
        query++;
    put_path(o, path, (size_t)(query - path));
    if (query < end)
        put(o, query++, 1);
    put_query(o, query, (size_t)(end - query));
}

const char *url_redacted(const char *text, char out[SETTING_REDACTED])
{
    struct out o = {.text = out};
    out[0] = '\0';
    for (;;) {
        /* the ";" between two URLs, not one within a query */
        const char *next = strchr(text, ';'), *mark = next ? strstr(next, "://") : NULL;
        while (next && mark && strcspn(next + 1, ";?/") < (size_t)(mark - next) - 1)
            next = strchr(next + 1, ';');
        next = mark ? next : NULL;
        size_t len = next ? (size_t)(next - text) : strlen(text);
        put_url(&o, text, len);
        text += len;
        if (!*text)
            return out;
        put(&o, text++, 1);
    }
}

static void put_option(struct out *o, const PQconninfoOption *option, bool is_secret)
{
    const char *value = is_secret ? "***" : option->val;
    put(o, o->used ? " " : "", o->used ? 1 : 0);
    put(o, option->keyword, strlen(option->keyword));
    put(o, "='", 2);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            put(o, "\\", 1);
        put(o, value, 1);
    }
    put(o, "'", 1);
}

/* libpq marks what is a password itself. As it was written, if there is none in it. */
static const char *database_shown(const char *text, char out[SETTING_REDACTED])
{
    struct out o = {.text = out};
    bool has_secret = false;
    PQconninfoOption *options = PQconninfoParse(text, NULL);
    if (!options)
        return "(cannot be shown)";
    out[0] = '\0';
    for (const PQconninfoOption *p = options; p->keyword; p++) {
        bool is_secret = strchr(p->dispchar, '*') || strstr(p->keyword, "secret");
        has_secret = has_secret || (is_secret && p->val);
        if (p->val)
            put_option(&o, p, is_secret);
    }
    PQconninfoFree(options);
    if (!has_secret) {
        o.used = 0;
        put(&o, text, strlen(text));
    }
    return out;
}

/* --- JSON texts: arguments and headers of schedule entries -------------------------------------
 */

static bool is_credential(const char *text)
{
    size_t len = strlen(text);
    return strncasecmp(text, "bearer ", 7) == 0 || strncasecmp(text, "basic ", 6) == 0 ||
           (strcspn(text, " :-") == len && looks_like_a_key(text, len));
}

static json_t *json_text_shown(const char *text)
{
    char shown[SETTING_REDACTED];
    if (is_credential(text))
        return json_string("***");
    return json_string(strstr(text, "://") ? url_redacted(text, shown) : text);
}

/* A new value without what is secret; NULL: no memory. */
static json_t *json_value_redacted(const json_t *value)
{
    size_t i;
    const char *name;
    json_t *part, *shown;
    if (json_is_string(value))
        return json_text_shown(json_string_value(value));
    if (json_is_array(value)) {
        shown = json_array();
        json_array_foreach((json_t *)value, i, part)
            (void)json_array_append_new(shown, json_value_redacted(part));
        return shown;
    }
    if (!json_is_object(value))
        return json_copy((json_t *)value);
    shown = json_object();
    json_object_foreach((json_t *)value, name, part) {
        bool is_secret =
            names_a_secret(name, strlen(name)) && !json_is_null(part) && !json_is_boolean(part);
        (void)json_object_set_new(shown, name,
                                  is_secret ? json_string("***") : json_value_redacted(part));
    }
    return shown;
}

char *json_redacted(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL), *shown = NULL;
    if (value)
        shown = json_value_redacted(value);
    char *out = !shown                     ? strdup("\"(cannot be shown)\"")
                : json_equal(value, shown) ? strdup(text) /* as it was written */
                                           : json_dumps(shown, JSON_ENCODE_ANY);
    json_decref(value);
    json_decref(shown);
    return out;
}

const char *setting_redacted(const struct setting *row, const char *text,
                             char out[SETTING_REDACTED])
{
    if (!text)
        return "";
    switch (row->type) {
    case SETTING_DATABASE:
        return database_shown(text, out);
    case SETTING_URL:
    case SETTING_BROKER:
        return url_redacted(text, out);
    default:
        if (strcmp(row->path, "feed.url_template") == 0 || strcmp(row->path, "feed.path") == 0)
            return url_redacted(text, out);
        return text;
    }
}
