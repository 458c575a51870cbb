/* Where the broker, the database and KairosDB are, by the settings. */
#include "common/config/server_place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/database_options.h"

struct places {
    struct server_place *out;
    size_t count;
};

static void add(struct places *p, const char *setting, const char *host, size_t len, long port,
                bool is_tls, bool has_password)
{
    if (p->count == SERVER_PLACES_MAX || len == 0 || len >= SERVER_HOST || port < 1 || port > 65535)
        return;
    struct server_place *place = &p->out[p->count++];
    *place = (struct server_place){
        .setting = setting, .port = (uint16_t)port, .is_tls = is_tls, .has_password = has_password};
    memcpy(place->host, host, len);
    place->host[len] = '\0';
}

static long default_port(const char *scheme)
{
    static const struct {
        const char *scheme;
        long port;
    } ports[] = {
        {"amqps:", 5671}, {"amqp:", 5672}, {"pyamqp:", 5672}, {"https:", 443}, {"http:", 80}};
    for (size_t i = 0; i < ARRAY_LEN(ports); i++)
        if (strncasecmp(scheme, ports[i].scheme, strlen(ports[i].scheme)) == 0)
            return ports[i].port;
    return 0;
}

/* One URL of `len` bytes; it was checked when it was loaded. */
static void add_url(struct places *p, const char *setting, const char *url, size_t len,
                    bool has_password)
{
    const char *mark = memmem(url, len, "://", 3);
    if (!mark)
        return;
    bool is_tls = mark > url && (mark[-1] == 's' || mark[-1] == 'S');
    const char *authority = mark + 3, *end = authority;
    while (end < url + len && !strchr("/?#", *end))
        end++;
    const char *at = memrchr(authority, '@', (size_t)(end - authority));
    const char *host = at ? at + 1 : authority;
    bool is_bracketed = *host == '[';
    const char *close = is_bracketed ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *colon = memchr(close ? close : host, ':', (size_t)(end - (close ? close : host)));
    const char *host_end = close ? close : colon ? colon : end;
    long port = colon ? strtol(colon + 1, NULL, 10) : 0;
    if (is_bracketed)
        host++;
    if (host == host_end) /* amqp:// alone is this machine */
        add(p, setting, "localhost", strlen("localhost"), port ? port : default_port(url), is_tls,
            has_password);
    else
        add(p, setting, host, (size_t)(host_end - host), port ? port : default_port(url), is_tls,
            has_password);
}

/* The i-th of a list with commas between, or its last. */
static const char *item(const char *list, size_t i, size_t *ret_len)
{
    for (;; list++) {
        *ret_len = strcspn(list, ",");
        if (i-- == 0 || !list[*ret_len])
            return list;
        list += *ret_len;
    }
}

static void add_database(struct places *p, const struct settings *s)
{
    PQconninfoOption *options = database_options(s->database.url);
    if (!options)
        return;
    const char *addresses = database_option(options, "hostaddr");
    const char *names = database_option(options, "host");
    const char *hosts = addresses ? addresses : names ? names : "localhost";
    const char *ports = database_option(options, "port");
    size_t count = 1;
    for (const char *at = hosts; *at; at++)
        count += *at == ',';
    for (size_t i = 0; i < count; i++) {
        size_t len, port_len = 0;
        const char *host = item(hosts, i, &len), *port = ports ? item(ports, i, &port_len) : "";
        if (*host != '/' && *host != '@')
            add(p, "database.url", host, len, port_len ? strtol(port, NULL, 10) : 5432, false,
                s->database.password[0]);
    }
    PQconninfoFree(options);
}

/* every new RabbitMQ has "guest", and takes it from its own machine only */
static bool is_secret(const char *password)
{
    return password && password[0] && strcmp(password, "guest") != 0;
}

size_t server_places(const struct settings *s, struct server_place out[SERVER_PLACES_MAX])
{
    struct places p = {.out = out};
    bool has_password = is_secret(s->broker.password);
    for (size_t i = 0; i < BROKER_URLS_MAX; i++)
        has_password |= is_secret(s->broker.url_passwords[i]);
    for (const char *url = s->broker.url; *url; url += *url == ';') {
        size_t len = strcspn(url, ";");
        add_url(&p, "broker.url", url, len, has_password);
        url += len;
    }
    add_url(&p, "broker.management_url", s->broker.management_url, strlen(s->broker.management_url),
            has_password);
    add_database(&p, s);
    add_url(&p, "kairosdb.insert_url", s->kairosdb.insert_url, strlen(s->kairosdb.insert_url),
            s->kairosdb.user[0]);
    add_url(&p, "kairosdb.query_url", s->kairosdb.query_url, strlen(s->kairosdb.query_url),
            s->kairosdb.user[0]);
    return p.count;
}

bool server_host_of(const char *url, char host[SERVER_HOST])
{
    struct server_place place[SERVER_PLACES_MAX] = {0};
    struct places p = {.out = place};
    add_url(&p, "", url, strlen(url), false);
    if (p.count == 0)
        return false;
    memcpy(host, place[0].host, SERVER_HOST);
    return true;
}

bool server_is_local(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcasecmp(host, "localhost") == 0;
}
