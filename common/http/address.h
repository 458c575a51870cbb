/* Decides which network addresses a request may connect to, by the address that a name resolved
 * to. */
#ifndef METERBEAT_HTTP_ADDRESS_H
#define METERBEAT_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#define ADDRESS_TEXT 64
/* Ports on which web servers usually listen; the setting feed.allow_ports adds others. */
#define ADDRESS_USUAL_PORTS "80 443 8000 8008 8080 8081 8443 8888"

/* The setting feed.record_addresses; custodians always have ADDRESS_PUBLIC. */
enum address_scope {
    ADDRESS_PUBLIC, /* addresses of the Internet */
    ADDRESS_SITE,   /* public ones and the private ones of RFC 1918 and RFC 4193 */
    ADDRESS_ANY,
};

/* Addresses and ports of our own servers, to which no record or custodian may lead. */
#define ADDRESS_OWN_MAX 256
struct address_own {
    size_t count;
    struct sockaddr_storage at[ADDRESS_OWN_MAX];
};

/* Strings are borrowed and have been checked; a part that cannot be parsed allows nothing. */
struct address_rule {
    enum address_scope scope;
    const char *networks; /* feed.allow_addresses: allowed in addition, at any port */
    const char *ports;    /* feed.allow_ports: allowed in addition to ADDRESS_USUAL_PORTS */
    const struct address_own *own; /* NULL: none */
};

/* Checks a list of networks such as "10.1.0.0/16 fd00::/8", separated by blanks or commas; one
 * without "/" is a single address. False: ERR_FATAL "bad_setting". Pure, like everything here. */
MUST_CHECK bool address_list_check(const char *networks, struct err *e);
/* Checks a list of ports such as "9000 10000-10100", likewise. */
MUST_CHECK bool address_ports_check(const char *ports, struct err *e);
/*
 * Never allowed: our own servers, whatever the scope. Not allowed unless listed (or ADDRESS_ANY):
 * this host, link-local and metadata addresses, shared, multicast and reserved ranges (IANA's
 * special-purpose registries), private ones outside ADDRESS_SITE, and any of them inside an IPv6
 * address (mapped, translated, NAT64, 6to4, Teredo). A listed network that is wider than the
 * link-local or metadata range inside it does not allow that range.
 */
bool address_allowed(const struct sockaddr *address, const struct address_rule *rule);
/* Neither public nor listed: a record's author must not learn how a request there failed. */
bool address_is_internal(const struct sockaddr *address, const struct address_rule *rule);
/* Writes "192.0.2.1:80" or "[2001:db8::1]:80"; "?" for another address family. */
void address_show(const struct sockaddr *address, char out[ADDRESS_TEXT]);

#endif
