/* Converts ISO 8601 date-times, as Celery writes and reads them, to and from milliseconds since the
 * epoch. */
#ifndef METERBEAT_BASE_ISO8601_H
#define METERBEAT_BASE_ISO8601_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

#define ISO8601_TEXT 64

/*
 * Parses YYYY-MM-DD or YYYYMMDD, alone or followed by one character ('T', 't', ' ') and
 * HH[:MM[:SS[.f]]] or HHMM[SS[.f]], and Z or an offset +HH[[:]MM[[:]SS]]; UTC without an offset.
 * Fractions are truncated to milliseconds. Years 1 to 9999. False for anything else, also a day
 * that does not exist, hour 24 and second 60. Pure; any thread.
 */
MUST_CHECK bool iso8601_parse(const char *text, int64_t *ret_ms);
/* Parses a time of day alone, in the form that follows the separator above. */
MUST_CHECK bool iso8601_is_time(const char *text);
/* Formats as Python's isoformat() in UTC: "2026-11-23T17:09:15.804000+00:00", with the fraction
 * only if there is one; returns text. Clamped to the years 1 to 9999. */
const char *iso8601_format(int64_t ms, char text[ISO8601_TEXT]);

#endif
