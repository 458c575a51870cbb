/* Which network addresses a request may go to: decided on what a name was resolved to. */
#include "common/http/address.h"

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

/*
 * IANA's special-purpose registries for IPv4 and IPv6, multicast, and of IPv6 all that is not in
 * 2000::/3, from which alone global addresses are given out: that has ::/96 (IPv4-compatible),
 * ::ffff:0:0:0/96 (IPv4-translated), 64:ff9b:1::/48, 100::/64, 100:0:0:1::/64, 5f00::/16, fc00::/7,
 * fe80::/10, fec0::/10 and ff00::/8 in it. 2001::/23 has Teredo, 2002::/16 is 6to4: an IPv4 address
 * is hidden in both.
 */
static const char closed_four[] =
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 "
    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4";
static const char closed_six[] =
    "::/3 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 4000::/2 8000::/1";
/* RFC 1918 and RFC 4193: what an installation's own network is made of. */
static const char site_networks[] = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7";
/*
 * Where clouds keep metadata and credentials for whoever asks, and the links to the next machine.
 * Amazon fd00:ec2::/32, Google fd20:ce::/32, Scaleway fd00:42::42, Azure 168.63.129.16, Alibaba
 * 100.100.100.200, Oracle 192.0.0.192; all others are link-local. Opened only by a network that
 * lies inside one of these, never by a wide one round it.
 */
static const char never_networks[] = "169.254.0.0/16 168.63.129.16 100.100.100.200 192.0.0.192 "
                                     "fe80::/10 fd00:ec2::/32 fd20:ce::/32 fd00:42::42";
/* RFC 6052: a translator's public addresses; the IPv4 address in the last 32 bits decides. */
static const struct network nat64 = {.bytes = {0x00, 0x64, 0xff, 0x9b}, .bits = 96};

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

/* The next word of a list; len 0: there is none. */
static const char *list_next(const char *list, size_t *ret_len)
{
    list += strspn(list, BETWEEN);
    *ret_len = strcspn(list, BETWEEN);
    return list;
}

/* The longest prefix in the list that has the address, in bits of IPv6; -1: none. */
static int list_has(const char *list, const unsigned char bytes[16])
{
    size_t len;
    struct network n;
    int longest = -1;
    for (list = list_next(list, &len); len; list = list_next(list + len, &len))
        if (network_read(list, len, &n) && network_has(&n, bytes) && n.bits > longest)
            longest = n.bits;
    return longest;
}

/* "8000-8100" or "8000". */
static bool ports_read(const char *text, size_t len, long *ret_first, long *ret_last)
{
    char word[16], *end;
    if (len >= sizeof word || *text < '0' || *text > '9')
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    *ret_first = *ret_last = strtol(word, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        *ret_last = strtol(end + 1, &end, 10);
    return !*end && *ret_first >= 1 && *ret_first <= *ret_last && *ret_last <= 65535;
}

static bool ports_have(const char *list, uint16_t port)
{
    size_t len;
    long first, last;
    for (list = list_next(list, &len); len; list = list_next(list + len, &len))
        if (ports_read(list, len, &first, &last) && first <= port && port <= last)
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

bool address_ports_check(const char *ports, struct err *e)
{
    size_t len;
    long first, last;
    for (const char *at = list_next(ports, &len); len; at = list_next(at + len, &len))
        if (!ports_read(at, len, &first, &last))
            return err_set(e, ERR_FATAL, "bad_setting",
                           "feed.allow_ports: \"%.*s\" is neither a port nor a range such as "
                           "8000-8100",
                           (int)(len < 60 ? len : 60), at);
    return true;
}

static bool address_bytes(const struct sockaddr *address, unsigned char bytes[16],
                          uint16_t *ret_port)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + sizeof mapped, &in->sin_addr, 4);
        *ret_port = ntohs(in->sin_port);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)address;
        memcpy(bytes, &in->sin6_addr, 16);
        *ret_port = ntohs(in->sin6_port);
    }
    return address->sa_family == AF_INET || address->sa_family == AF_INET6;
}

static bool is_public(const unsigned char bytes[16])
{
    unsigned char inside[16];
    if (list_has(never_networks, bytes) >= 0)
        return false;
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return list_has(closed_four, bytes) < 0;
    if (!network_has(&nat64, bytes))
        return list_has(closed_six, bytes) < 0;
    memcpy(inside, mapped, sizeof mapped);
    memcpy(inside + sizeof mapped, bytes + 12, 4);
    return is_public(inside);
}

/* By feed.allow_addresses. */
static bool is_listed(const char *networks, const unsigned char bytes[16])
{
    int listed = list_has(networks, bytes);
    return listed >= 0 && listed >= list_has(never_networks, bytes);
}

/* Another way to write an address that leads to the same place: to this machine by any loopback
 * address or none (0.0.0.0, ::), to an IPv4 one through a translator. */
static void settle(unsigned char bytes[16])
{
    static const char here[] = "127.0.0.0/8 0.0.0.0/8 ::1 ::";
    static const unsigned char loopback[4] = {127, 0, 0, 1};
    bool is_here = list_has(here, bytes) >= 0;
    if (is_here)
        memcpy(bytes + sizeof mapped, loopback, sizeof loopback);
    if (is_here || network_has(&nat64, bytes))
        memcpy(bytes, mapped, sizeof mapped);
}

static bool is_own(const struct address_own *own, const unsigned char asked[16], uint16_t port)
{
    unsigned char bytes[16];
    memcpy(bytes, asked, sizeof bytes);
    settle(bytes);
    for (size_t i = 0; own && i < own->count; i++) {
        unsigned char other[16];
        uint16_t other_port;
        if (!address_bytes((const struct sockaddr *)&own->at[i], other, &other_port) ||
            other_port != port)
            continue;
        settle(other);
        if (memcmp(other, bytes, sizeof other) == 0)
            return true;
    }
    return false;
}

bool address_allowed(const struct sockaddr *address, const struct address_rule *rule)
{
    unsigned char bytes[16];
    uint16_t port = 0;
    if (!address_bytes(address, bytes, &port) || is_own(rule->own, bytes, port))
        return false;
    if (rule->scope == ADDRESS_ANY || is_listed(rule->networks, bytes))
        return true;
    bool is_site = rule->scope == ADDRESS_SITE && list_has(site_networks, bytes) >= 0 &&
                   list_has(never_networks, bytes) < 0;
    return (is_public(bytes) || is_site) &&
           (ports_have(ADDRESS_USUAL_PORTS, port) || ports_have(rule->ports, port));
}

bool address_is_internal(const struct sockaddr *address, const struct address_rule *rule)
{
    unsigned char bytes[16];
    uint16_t port;
    return rule->scope != ADDRESS_ANY && address_bytes(address, bytes, &port) &&
           !is_public(bytes) && !is_listed(rule->networks, bytes);
}

void address_show(const struct sockaddr *address, char out[ADDRESS_TEXT])
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    uint16_t port = 0;
    bool is_ip = address_bytes(address, bytes, &port);
    bool is_old = is_ip && memcmp(bytes, mapped, sizeof mapped) == 0;
    if (!is_ip ||
        !inet_ntop(is_old ? AF_INET : AF_INET6, is_old ? bytes + 12 : bytes, text, sizeof text))
        snprintf(out, ADDRESS_TEXT, "?");
    else
        snprintf(out, ADDRESS_TEXT, is_old ? "%s:%u" : "[%s]:%u", text, (unsigned)port);
}
