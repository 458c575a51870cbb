/* Which network addresses a request may go to: decided on what a name was resolved to. */
#ifndef METERBEAT_HTTP_ADDRESS_H
#define METERBEAT_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#define ADDRESS_TEXT 64
/* Where the web is served; others by the setting feed.allow_ports. */
#define ADDRESS_USUAL_PORTS "80 443 8000 8008 8080 8081 8443 8888"

/* What feed.record_addresses says; custodians are held to ADDRESS_PUBLIC. */
enum address_scope {
    ADDRESS_PUBLIC, /* addresses of the Internet */
    ADDRESS_SITE,   /* those, and RFC 1918 and ULA: an installation's own network */
    ADDRESS_ANY,
};

/* Addresses and ports of our own servers, which nobody may be led to. */
#define ADDRESS_OWN_MAX 256
struct address_own {
    size_t count;
    struct sockaddr_storage at[ADDRESS_OWN_MAX];
};

/* Strings borrowed and checked; what cannot be read of them allows nothing. */
struct address_rule {
    enum address_scope scope;
    const char *networks;          /* feed.allow_addresses: these besides, at any port */
    const char *ports;             /* feed.allow_ports: these besides ADDRESS_USUAL_PORTS */
    const struct address_own *own; /* NULL: none */
};

/* "10.1.0.0/16 fd00::/8" with blanks or commas between; a network without "/" is one address.
 * False: ERR_FATAL "bad_setting". Pure, as all of these. */
MUST_CHECK bool address_list_check(const char *networks, struct err *e);
/* "9000 10000-10100", as above. */
MUST_CHECK bool address_ports_check(const char *ports, struct err *e);
/*
 * Never: our own servers, whatever the scope; unless listed or ADDRESS_ANY: this host, link-local
 * and metadata addresses, shared, multicast and reserved ranges (IANA's special-purpose
 * registries), private ones outside ADDRESS_SITE, and all of them inside an IPv6 address (mapped,
 * translated, NAT64, 6to4, Teredo). A network that is wider than the link-local or metadata range
 * in it does not list that.
 */
bool address_allowed(const struct sockaddr *address, const struct address_rule *rule);
/* Neither public nor listed: how a request there fails is nothing that a record's author is told.
 */
bool address_is_internal(const struct sockaddr *address, const struct address_rule *rule);
/* "192.0.2.1:80", "[2001:db8::1]:80", "?" for another family. */
void address_show(const struct sockaddr *address, char out[ADDRESS_TEXT]);

#endif
