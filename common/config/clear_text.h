/* Passwords that would cross a network as they are: refused, or told at start and by `check`. */
#ifndef METERBEAT_CONFIG_CLEAR_TEXT_H
#define METERBEAT_CONFIG_CLEAR_TEXT_H

#include "common/base/err.h"
#include "common/config/settings.h"

#define CLEAR_TEXT_LINES 16
#define CLEAR_TEXT_LINE 320

/* False: ERR_FATAL "clear_text", a broker's or KairosDB's password would go to another host without
 * TLS, and allow_clear_text does not say so. Pure, as the next ones. */
MUST_CHECK bool clear_text_check(const struct settings *s, struct err *e);
/* What is allowed and not good: such passwords, and a database beyond this machine whose sslmode
 * does not prove who it is. Returns how many lines. */
size_t clear_text_warnings(const struct settings *s, char out[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE]);
/* May a secret be sent to this URL? https, this machine, or allow_clear_text. */
bool clear_text_allowed(const struct settings *s, const char *url);

#endif
