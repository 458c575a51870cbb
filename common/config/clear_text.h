/* Passwords that would cross a network unencrypted: rejected, or warned about at start and by
 * `check`. */
#ifndef METERBEAT_CONFIG_CLEAR_TEXT_H
#define METERBEAT_CONFIG_CLEAR_TEXT_H

#include "common/base/err.h"
#include "common/config/settings.h"

#define CLEAR_TEXT_LINES 16
#define CLEAR_TEXT_LINE 320

/* False: ERR_FATAL "clear_text" if a broker's or KairosDB's password would be sent to another host
 * without TLS and allow_clear_text is not set. Pure, like the next ones. */
MUST_CHECK bool clear_text_check(const struct settings *s, struct err *e);
/* Warnings about what is allowed but unsafe: such passwords, and a database on another machine
 * whose sslmode does not verify the server. Returns the number of lines. */
size_t clear_text_warnings(const struct settings *s, char out[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE]);
/* Whether a secret may be sent to this URL: https, this machine, or allow_clear_text. */
bool clear_text_allowed(const struct settings *s, const char *url);

#endif
