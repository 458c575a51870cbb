/* Cuts what was sent to a server out of what it says, before anybody is told. */
#ifndef METERBEAT_BASE_REDACT_H
#define METERBEAT_BASE_REDACT_H

#include <stddef.h>

#include "common/base/err.h"

#define REDACT_SECRETS_MAX 8
/* A part of a secret of at least this many characters is cut out as the whole is. */
#define REDACT_PART 8

/* Strings borrowed; NULL and "" are none. */
struct redact_secrets {
    const char *of[REDACT_SECRETS_MAX];
};

/*
 * Replaces each secret in text by ***, also when it is in hexadecimal or base64 (both alphabets, at
 * any place of a longer text), escaped as in a URL, JSON or HTML, broken by blanks and line ends,
 * in whatever case, or only a part of REDACT_PART characters of it: foreign texts are cut. One
 * shorter than that is replaced whole. Without memory nothing is left of the text. Pure; any
 * thread.
 */
void redact(char *text, const struct redact_secrets *secrets);
/* Would it replace something? True without memory. */
bool redact_finds(const char *text, const struct redact_secrets *secrets);
/* The text and the detail of e. Returns false, so that a function can `return redact_err(...)`. */
bool redact_err(struct err *e, const struct redact_secrets *secrets);

#endif
