/* Secrets that a person hands over: from standard input or a file, never from the command line. */
#ifndef METERBEAT_CTL_SECRET_INPUT_H
#define METERBEAT_CTL_SECRET_INPUT_H

#include "common/base/attr.h"
#include "common/base/err.h"

#define SECRET_INPUT_MAX (64 * 1024)

/* All of `path`, NULL: of standard input; without the line's end behind it. For secret_keys_free. NULL:
 * ERR_REJECT "bad_secret" (too long, a NUL byte, cannot be read), ERR_RETRY "no_memory". */
MUST_CHECK char *secret_input(const char *path, struct err *e);

#endif
