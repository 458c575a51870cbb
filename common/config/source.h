/* A configuration file and what it includes, looked over before libconfig reads them. */
#ifndef METERBEAT_CONFIG_SOURCE_H
#define METERBEAT_CONFIG_SOURCE_H

#include "common/base/attr.h"
#include "common/base/err.h"

#define SOURCE_MAX_BYTES (8 * 1024 * 1024) /* of all files together */
#define SOURCE_MAX_FILES 64
#define SOURCE_MAX_DEPTH 10           /* of includes, as libconfig has it */
#define SOURCE_MAX_NESTING 16         /* of groups and lists: the settings need 4 */
#define SOURCE_MAX_STRING (64 * 1024) /* one value, of several literals too */

/*
 * Refuses what libconfig 1.5 would silently misread or not survive: a number too large for its type
 * (it would be cut to 32 bits), a folder (its scanner exits the process), a long string (quadratic
 * time), deep nesting, includes without end. False: ERR_FATAL "bad_configuration" with
 * "file:line: ..."; no such file, not a file, not readable, or one that everybody may change: the
 * same. folder: what includes are relative to. *ret_loose, the caller's to free: why secrets do not
 * belong into these files, "file: why" of the first that somebody else may read or change; NULL:
 * none.
 */
MUST_CHECK bool source_check(const char *path, const char *folder, char **ret_loose, struct err *e);

#endif
