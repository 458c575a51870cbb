/* The zone of months and days, loaded once a process: its table costs more than a small parse. */
#include "meter/local_zone.h"

static struct timezone_rules *local_zone_loaded; /* settings do not change while a process lives */

bool local_zone(const struct settings *s, const struct timezone_rules **ret_zone, struct err *e)
{
    if (!local_zone_loaded && !timezone_load(s->local_timezone, &local_zone_loaded, e))
        return false;
    *ret_zone = local_zone_loaded;
    return true;
}
