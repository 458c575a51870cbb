/* What libpq makes of database.url: with its service, the environment and libpq's own defaults. */
#include "common/config/database_options.h"

#include <string.h>

/* libpq tells what it would connect with only of a connection. This one ends before it begins: its
 * options are read and filled up, and then one of them is refused. */
PQconninfoOption *database_options(const char *url)
{
    static const char *const keys[] = {"dbname", "target_session_attrs", NULL};
    const char *const values[] = {url, "no such attribute", NULL};
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    PQconninfoOption *options = conn ? PQconninfo(conn) : NULL;
    PQfinish(conn);
    if (database_option(options, "target_session_attrs"))
        return options;
    PQconninfoFree(options);
    return NULL;
}

const char *database_option(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && *o->val ? o->val : NULL;
    return NULL;
}
