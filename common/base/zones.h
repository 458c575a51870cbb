/* Time zones by name, each loaded once: its table costs more than a small parse. */
#ifndef METERBEAT_BASE_ZONES_H
#define METERBEAT_BASE_ZONES_H

#include <stddef.h>

#include "common/base/timezone.h"

#define ZONES_MAX 24

/* Zero it to begin with. One thread. The first zone is borrowed until zones_free, each other until
 * ZONES_MAX - 1 further ones have been loaded: the oldest makes room. */
struct zones {
    struct timezone_rules *of[ZONES_MAX];
    size_t count;
    size_t loaded;
};

/* False: ERR_FATAL "no_timezone". */
MUST_CHECK bool zones_get(struct zones *z, const char *name, const struct timezone_rules **ret_zone,
                          struct err *e);
void zones_free(struct zones *z);

#endif
