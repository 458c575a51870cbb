/* Passwords that would cross a network as they are: refused, or told at start and by `check`. */
#include "common/config/clear_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/config/database_options.h"
#include "common/config/server_place.h"

static bool is_exposed(const struct server_place *p)
{
    return p->has_password && !p->is_tls && strcmp(p->setting, "database.url") != 0 &&
           !server_is_local(p->host);
}

bool clear_text_check(const struct settings *s, struct err *e)
{
    struct server_place places[SERVER_PLACES_MAX];
    size_t count = server_places(s, places);
    for (size_t i = 0; !s->allow_clear_text && i < count; i++)
        if (is_exposed(&places[i]))
            return err_set(e, ERR_FATAL, "clear_text",
                           "%s: the password would go to %s without encryption: use %s, or set "
                           "allow_clear_text = true for a network that nobody else is in",
                           places[i].setting, places[i].host,
                           strcmp(places[i].setting, "broker.url") == 0 ? "amqps://" : "https://");
    return true;
}

static const char *option(const PQconninfoOption *options, const char *keyword)
{
    const char *value = database_option(options, keyword);
    return value ? value : "";
}

/* One line at most; the host that it is about is the first that is not this machine. */
static bool database_warning(const struct settings *s, const char *host, char out[CLEAR_TEXT_LINE])
{
    PQconninfoOption *options = database_options(s->database.url);
    const char *mode = option(options, "sslmode"), *binding = option(options, "channel_binding");
    bool proves = strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0 ||
                  strcmp(binding, "require") == 0;
    /* libpq 16 can be told to answer neither a plain password's nor MD5's question */
    bool old =
        PQlibVersion() < 160000 && s->database.password[0] && strcmp(binding, "require") != 0;
    if (!proves)
        snprintf(out, CLEAR_TEXT_LINE,
                 "database.url: sslmode=%.20s proves nothing about %.100s: set "
                 "sslmode=verify-full%s",
                 *mode ? mode : "prefer", host, old ? " and channel_binding=require" : "");
    else if (old)
        snprintf(out, CLEAR_TEXT_LINE,
                 "database.url: this libpq (%d) cannot insist on SCRAM: set "
                 "channel_binding=require",
                 PQlibVersion() / 10000);
    PQconninfoFree(options);
    return !proves || old;
}

size_t clear_text_warnings(const struct settings *s, char out[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE])
{
    struct server_place places[SERVER_PLACES_MAX];
    size_t count = server_places(s, places), lines = 0;
    bool database_told = false;
    for (size_t i = 0; i < count && lines < CLEAR_TEXT_LINES; i++) {
        const struct server_place *p = &places[i];
        bool is_database = strcmp(p->setting, "database.url") == 0;
        if (is_exposed(p)) {
            snprintf(out[lines++], CLEAR_TEXT_LINE,
                     "%s: the password goes to %.100s without encryption", p->setting, p->host);
        } else if (is_database && !database_told && !server_is_local(p->host)) {
            database_told = true;
            lines += database_warning(s, p->host, out[lines]);
        }
    }
    return lines;
}

bool clear_text_allowed(const struct settings *s, const char *url)
{
    char host[SERVER_HOST];
    return s->allow_clear_text || strncasecmp(url, "https://", 8) == 0 ||
           (server_host_of(url, host) && server_is_local(host));
}
