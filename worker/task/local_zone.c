/* The zones of months and days: the configured one, and those of records and feeds. */
#include "worker/task/local_zone.h"

static struct zones local_zones_loaded; /* settings do not change while a process lives */

struct zones *local_zones(void)
{
    return &local_zones_loaded;
}

bool local_zone(const struct settings *s, const struct timezone_rules **ret_zone, struct err *e)
{
    return zones_get(&local_zones_loaded, s->local_timezone, ret_zone, e);
}

bool local_zone_named(const struct settings *s, const char *name,
                      const struct timezone_rules **ret_zone, struct err *e)
{
    if (!*name)
        return local_zone(s, ret_zone, e);
    if (zones_get(&local_zones_loaded, name, ret_zone, e))
        return true;
    if (e && e->kind == ERR_FATAL) /* one record's, not the process's */
        e->kind = ERR_REJECT;
    return false;
}
