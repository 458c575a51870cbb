/* Which network addresses a request may go to: decided on what a name was resolved to. */
#ifndef METERBEAT_METER_ADDRESS_H
#define METERBEAT_METER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"

#define ADDRESS_TEXT 48

/* "10.1.0.0/16 fd00::/8" with blanks or commas between; a network without "/" is one address.
 * False: ERR_FATAL "bad_setting". Pure, as the next one. */
MUST_CHECK bool address_list_check(const char *networks, struct err *e);
/*
 * Public addresses, and those of `networks` (checked; what cannot be read of it allows nothing).
 * Not public: this host, private and shared networks, link-local (the metadata of clouds),
 * multicast and reserved ranges, and all of them written inside an IPv6 address (mapped, NAT64,
 * 6to4).
 */
bool address_allowed(const struct sockaddr *address, const char *networks);
/* The address without its port, "?" for another family. */
void address_show(const struct sockaddr *address, char out[ADDRESS_TEXT]);

#endif
