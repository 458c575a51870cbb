/* Removes secrets that were sent to a server from the texts that it returns. */
#ifndef METERBEAT_BASE_REDACT_H
#define METERBEAT_BASE_REDACT_H

#include <stddef.h>

#include "common/base/err.h"

#define REDACT_SECRETS_MAX 8
/* A part of a secret of at least this many characters is removed like the whole. */
#define REDACT_PART 8

/* Strings borrowed; NULL and "" are ignored. */
struct redact_secrets {
    const char *of[REDACT_SECRETS_MAX];
};

/*
 * Replaces each secret in text by ***: also in hexadecimal or base64 (both alphabets, at any offset
 * of a longer text), escaped as in a URL, JSON or HTML, broken by blanks and line ends, in any
 * case, or only a part of REDACT_PART characters, since servers truncate texts. A shorter secret is
 * replaced only as a whole. If memory runs out, the text is emptied. Pure; any thread.
 */
void redact(char *text, const struct redact_secrets *secrets);
/* Whether it would replace something. True if memory runs out. */
bool redact_finds(const char *text, const struct redact_secrets *secrets);
/* Redacts the text and the detail of e. Returns false, so that a function can `return
 * redact_err(...)`. */
bool redact_err(struct err *e, const struct redact_secrets *secrets);

#endif
