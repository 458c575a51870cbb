/* The addresses of our own servers, to which no record or custodian may lead a request. */
#ifndef METERBEAT_HTTP_OWN_ADDRESS_H
#define METERBEAT_HTTP_OWN_ADDRESS_H

#include "common/config/settings.h"
#include "common/http/address.h"

/*
 * Resolves the servers named in the settings, at most once a minute per process; takes as long as
 * the system's resolver does. For a server on this machine, all of the machine's addresses count.
 * False: ERR_RETRY "own_servers_unknown" if a name cannot be resolved: no request may be made then,
 * since its address could be that server's. Any thread.
 */
MUST_CHECK bool own_addresses(const struct settings *s, struct address_own *ret_own, struct err *e);

#endif
