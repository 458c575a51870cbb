/* A zone's rules as text that can be stored and compared, and the version of tzdata. */
#ifndef METERBEAT_BASE_TZDATA_H
#define METERBEAT_BASE_TZDATA_H

#include "common/base/buf.h"
#include "common/base/timezone.h"

/* At most 152 changes (Morocco's, four a year) of 26 bytes. */
#define ZONE_RULES_MAX 8192
#define TZDATA_VERSION 16

/*
 * Appends "START:OFFSET " for each period of one offset from 2000 to 2038, in seconds. Two machines
 * with the same text cut the same days in those years, whatever package the rules came in. False:
 * as buf_append.
 */
MUST_CHECK bool zone_rules_text(const struct timezone_rules *zone, struct buf *b, struct err *e);
/* The first instant whose offset differs; false: there is none. Malformed texts differ where they
 * become malformed. Pure. */
bool zone_rules_differ(const char *a, const char *b, int64_t *ret_since_s);
/* The version of this machine's tzdata ("2026f"), from tzdata.zi or +VERSION in its folder ($TZDIR,
 * /usr/share/zoneinfo); "" if neither has it. Returns out. */
const char *tzdata_version(char out[TZDATA_VERSION]);
/* Whether `a` is the later release; false if one of them is unknown. Pure. */
bool tzdata_is_newer(const char *a, const char *b);

#endif
