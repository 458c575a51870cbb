/* The addresses of our own servers: where no record and no custodian may lead a request. */
#ifndef METERBEAT_HTTP_OWN_ADDRESS_H
#define METERBEAT_HTTP_OWN_ADDRESS_H

#include "common/config/settings.h"
#include "common/http/address.h"

/*
 * What the names in the settings lead to now: looked up at most once a minute a process, which can
 * take as long as the system's resolver does. One on this machine counts at each of its addresses.
 * False: ERR_RETRY "own_servers_unknown", a name is not found: nobody may be asked then, for it
 * could be that one. Any thread.
 */
MUST_CHECK bool own_addresses(const struct settings *s, struct address_own *ret_own, struct err *e);

#endif
