/* The hosts and ports of the configured broker, database and KairosDB. */
#ifndef METERBEAT_CONFIG_SERVER_PLACE_H
#define METERBEAT_CONFIG_SERVER_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/settings.h"

#define SERVER_PLACES_MAX 64
#define SERVER_HOST 256

struct server_place {
    const char *setting;    /* "broker.url" */
    char host[SERVER_HOST]; /* name or address, IPv6 without brackets */
    uint16_t port;
    bool is_tls;       /* amqps and https; a database has its own sslmode */
    bool has_password; /* a password is sent to it */
};

/*
 * Lists every host and port of broker.url (several URLs separated by ";"), broker.management_url,
 * database.url (several hosts, also from libpq's service or environment; Unix sockets are omitted)
 * and KairosDB's two URLs, up to SERVER_PLACES_MAX. Returns their number. Resolves no names.
 */
size_t server_places(const struct settings *s, struct server_place out[SERVER_PLACES_MAX]);
/* The host of one URL; false: it has none that fits. */
bool server_host_of(const char *url, char host[SERVER_HOST]);
/* Whether a name or address is always this machine: localhost, 127.0.0.0/8, ::1. */
bool server_is_local(const char *host);

#endif
