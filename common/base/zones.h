/* A cache of time zones by name: loading one takes longer than a small parse. */
#ifndef METERBEAT_BASE_ZONES_H
#define METERBEAT_BASE_ZONES_H

#include <stddef.h>

#include "common/base/timezone.h"

#define ZONES_MAX 24

/* Zero it initially. One thread. The first zone is valid until zones_free; every other until
 * ZONES_MAX - 1 further ones have been loaded, as the oldest is replaced. */
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
