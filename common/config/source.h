/* Checks a configuration file and its includes before libconfig reads them. */
#ifndef METERBEAT_CONFIG_SOURCE_H
#define METERBEAT_CONFIG_SOURCE_H

#include "common/base/attr.h"
#include "common/base/err.h"

#define SOURCE_MAX_BYTES (8 * 1024 * 1024) /* of all files together */
#define SOURCE_MAX_FILES 64
#define SOURCE_MAX_DEPTH 10           /* nesting of includes, libconfig's limit */
#define SOURCE_MAX_NESTING 16         /* nesting of groups and lists; the settings need 4 */
#define SOURCE_MAX_STRING (64 * 1024) /* one value, even of several literals */

/*
 * Rejects what libconfig 1.5 would silently misread or not survive: a number too large for its type
 * (truncated to 32 bits), a folder (its scanner exits the process), a long string (quadratic time),
 * deep nesting, endless includes. False: ERR_FATAL "bad_configuration" with "file:line: ...";
 * likewise for a missing or unreadable file, one that is not a file, or one that everybody may
 * change. folder: base of the includes. *ret_loose, freed by the caller: why these files must not
 * contain secrets, "file: why" for the first that others can read or change; NULL: they may.
 */
MUST_CHECK bool source_check(const char *path, const char *folder, char **ret_loose, struct err *e);

#endif
