/* Settings without their secrets, for display, remote control and errors. */
#ifndef METERBEAT_CONFIG_REDACTED_H
#define METERBEAT_CONFIG_REDACTED_H

#include "common/config/settings_value.h"

#define SETTING_REDACTED 8192

/*
 * Copies a setting's text with each secret in it replaced by ***: what libpq considers a password
 * (sslpassword), user information in URLs, the values of query parameters that are named like
 * secrets or look like keys, and such parts of a path. Everything that displays settings uses this.
 * Always fills out and returns it; "(cannot be shown)" if memory runs out.
 */
const char *setting_redacted(const struct setting *row, const char *text,
                             char out[SETTING_REDACTED]);
/* The same for a URL or a list of them separated by ";". */
const char *url_redacted(const char *text, char out[SETTING_REDACTED]);

/*
 * The same for the JSON text of arguments or headers: without values that are named like a secret
 * or look like one, and with their URLs as above; unchanged if there are none. Owned by the caller;
 * NULL: out of memory.
 */
char *json_redacted(const char *text);

#endif
