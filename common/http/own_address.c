/* The addresses of our own servers: where no record and no custodian may lead a request. */
#include "common/http/own_address.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/config/server_place.h"

#define FRESH_MS 60000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const struct settings *of;
    int64_t until_ms;
    struct address_own own;
} known;

static void add(struct address_own *own, const struct sockaddr *address, uint16_t port)
{
    if (own->count == ADDRESS_OWN_MAX)
        return;
    struct sockaddr_storage *at = &own->at[own->count];
    if (address->sa_family == AF_INET) {
        memcpy(at, address, sizeof(struct sockaddr_in));
        ((struct sockaddr_in *)at)->sin_port = htons(port);
        own->count++;
    } else if (address->sa_family == AF_INET6) {
        memcpy(at, address, sizeof(struct sockaddr_in6));
        ((struct sockaddr_in6 *)at)->sin6_port = htons(port);
        own->count++;
    }
}

static bool is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;
    return address->sa_family == AF_INET
               ? (ntohl(four->sin_addr.s_addr) >> 24) == 127
               : address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                              &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr);
}

static bool is_of_machine(const struct ifaddrs *all, const struct sockaddr *address)
{
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr && is_same(i->ifa_addr, address))
            return true;
    return is_loopback(address);
}

/* A server of this machine listens at its other addresses too, as a rule. */
static void add_machine(const struct ifaddrs *all, struct address_own *own, uint16_t port)
{
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr)
            add(own, i->ifa_addr, port);
}

/* *ret_is_here: the server is one of this machine's. */
static bool look_up(const struct server_place *place, const struct ifaddrs *all,
                    struct address_own *own, bool *ret_is_here, struct err *e)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *ret_is_here = false;
    int code = getaddrinfo(place->host, NULL, &hints, &found);
    if (code == EAI_NONAME)
        return true; /* nobody can be led there */
    if (code != 0)
        return err_set(e, ERR_RETRY, "own_servers_unknown", "%s: %s: %s", place->setting,
                       place->host, gai_strerror(code));
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        add(own, a->ai_addr, place->port);
        *ret_is_here = *ret_is_here || is_of_machine(all, a->ai_addr);
    }
    freeaddrinfo(found);
    return true;
}

/* What the settings name comes first: a machine of very many addresses must not push it out. */
static bool look_up_all(const struct settings *s, struct address_own *own, struct err *e)
{
    struct server_place places[SERVER_PLACES_MAX];
    bool is_here[SERVER_PLACES_MAX] = {false}, ok = true;
    size_t count = server_places(s, places);
    struct ifaddrs *all = NULL; /* without memory: the addresses of the names alone */
    own->count = 0;
    (void)getifaddrs(&all);
    for (size_t i = 0; ok && i < count; i++)
        ok = look_up(&places[i], all, own, &is_here[i], e);
    for (size_t i = 0; ok && i < count; i++)
        if (is_here[i])
            add_machine(all, own, places[i].port);
    freeifaddrs(all);
    return ok;
}

bool own_addresses(const struct settings *s, struct address_own *ret_own, struct err *e)
{
    bool ok = true;
    pthread_mutex_lock(&lock);
    if (known.of != s || clock_mono_ms() >= known.until_ms) {
        ok = look_up_all(s, &known.own, e);
        known.of = s;
        known.until_ms = ok ? clock_mono_ms() + FRESH_MS : 0;
    }
    if (ok)
        *ret_own = known.own;
    pthread_mutex_unlock(&lock);
    return ok;
}
