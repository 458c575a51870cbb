/* Which network addresses a request may go to: decided on what a name was resolved to. */
#include "meter/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every address as IPv6; an IPv4 one as ::ffff:a.b.c.d. */
struct network {
    unsigned char bytes[16];
    int bits;
};

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* IANA's special-purpose registries. */
static const char closed_networks[] =
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "224.0.0.0/4 240.0.0.0/4 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 "
    "2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8";

static bool address_read(const char *text, unsigned char bytes[16], int *ret_most_bits)
{
    *ret_most_bits = 32;
    memcpy(bytes, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, bytes + sizeof mapped) == 1)
        return true;
    *ret_most_bits = 128;
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool network_read(const char *text, size_t len, struct network *ret_network)
{
    char word[64];
    int most;
    if (len >= sizeof word)
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    char *slash = strchr(word, '/'), *end = NULL;
    if (slash)
        *slash = '\0';
    if (!address_read(word, ret_network->bytes, &most))
        return false;
    long bits = slash ? strtol(slash + 1, &end, 10) : most;
    if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > most))
        return false;
    ret_network->bits = (int)bits + 128 - most;
    return true;
}

static bool network_has(const struct network *n, const unsigned char bytes[16])
{
    int whole = n->bits / 8, rest = n->bits % 8;
    return memcmp(n->bytes, bytes, (size_t)whole) == 0 &&
           (rest == 0 || ((n->bytes[whole] ^ bytes[whole]) & (0xff << (8 - rest) & 0xff)) == 0);
}

#define BETWEEN " ,\t"

/* The next network of a list; len 0: there is none. */
static const char *list_next(const char *list, size_t *ret_len)
{
    list += strspn(list, BETWEEN);
    *ret_len = strcspn(list, BETWEEN);
    return list;
}

static bool list_has(const char *list, const unsigned char bytes[16])
{
    size_t len;
    struct network n;
    for (list = list_next(list, &len); len; list = list_next(list + len, &len))
        if (network_read(list, len, &n) && network_has(&n, bytes))
            return true;
    return false;
}

bool address_list_check(const char *networks, struct err *e)
{
    size_t len;
    struct network n;
    for (const char *at = list_next(networks, &len); len; at = list_next(at + len, &len))
        if (!network_read(at, len, &n))
            return err_set(e, ERR_FATAL, "bad_setting",
                           "feed.allow_addresses: \"%.*s\" is no network such as 10.1.0.0/16",
                           (int)(len < 60 ? len : 60), at);
    return true;
}

static bool address_bytes(const struct sockaddr *address, unsigned char bytes[16])
{
    if (address->sa_family == AF_INET) {
        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + sizeof mapped,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    }
    return address->sa_family == AF_INET || address->sa_family == AF_INET6;
}

bool address_allowed(const struct sockaddr *address, const char *networks)
{
    unsigned char bytes[16];
    return address_bytes(address, bytes) &&
           (!list_has(closed_networks, bytes) || list_has(networks, bytes));
}

void address_show(const struct sockaddr *address, char out[ADDRESS_TEXT])
{
    unsigned char bytes[16];
    bool is_ip = address_bytes(address, bytes);
    bool is_old = is_ip && memcmp(bytes, mapped, sizeof mapped) == 0;
    if (!is_ip ||
        !inet_ntop(is_old ? AF_INET : AF_INET6, is_old ? bytes + 12 : bytes, out, ADDRESS_TEXT))
        snprintf(out, ADDRESS_TEXT, "?");
}
