/* The effective libpq options of database.url, with its service, the environment and libpq's
 * defaults. */
#ifndef METERBEAT_CONFIG_DATABASE_OPTIONS_H
#define METERBEAT_CONFIG_DATABASE_OPTIONS_H

#include <libpq-fe.h>

/*
 * The options that a connection would use: those of `url`, else of its service= (or PGSERVICE) from
 * libpq's service files, else of PGHOST, PGHOSTADDR, PGPORT, PGSSLMODE and the like. Neither
 * connects nor resolves names. NULL: out of memory, or libpq would reject it. The caller frees them
 * with PQconninfoFree. Any thread.
 */
PQconninfoOption *database_options(const char *url);
/* The value of one; NULL: it has none, or there are no options. Borrowed. */
const char *database_option(const PQconninfoOption *options, const char *keyword);

#endif
