/* Time zones by name, each loaded once: its table costs more than a small parse. */
#include "common/base/zones.h"

#include <string.h>

bool zones_get(struct zones *z, const char *name, const struct timezone_rules **ret_zone,
               struct err *e)
{
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(timezone_name(z->of[i]), name) == 0) {
            *ret_zone = z->of[i];
            return true;
        }
    struct timezone_rules *zone = NULL;
    if (!timezone_load(name, &zone, e))
        return false;
    size_t i = z->count < ZONES_MAX ? z->count++ : 1 + z->loaded % (ZONES_MAX - 1);
    timezone_free(z->of[i]);
    z->of[i] = zone;
    z->loaded++;
    *ret_zone = zone;
    return true;
}

void zones_free(struct zones *z)
{
    for (size_t i = 0; i < z->count; i++)
        timezone_free(z->of[i]);
    *z = (struct zones){0};
}
