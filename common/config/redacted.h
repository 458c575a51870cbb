/* How a setting may be shown: on a screen, over remote control, in an error. */
#ifndef METERBEAT_CONFIG_REDACTED_H
#define METERBEAT_CONFIG_REDACTED_H

#include "common/config/settings_value.h"

#define SETTING_SHOWN 8192

/*
 * A setting's text with each secret in it replaced by ***: what libpq calls a password
 * (sslpassword), user information of URLs, the values of query parameters that are named like
 * secrets or look like keys, and such parts of a path. Whatever shows settings shows this, and no
 * more. Always fills out and returns it; "(cannot be shown)" without memory.
 */
const char *setting_shown(const struct setting *row, const char *text, char out[SETTING_SHOWN]);
/* The same of a URL or a list of them with ";" between. */
const char *url_shown(const char *text, char out[SETTING_SHOWN]);

/* The JSON text of arguments or headers, without what is called a secret or looks like one, and
 * with its URLs as above; as it was written if there is nothing of that. The caller's; NULL: no
 * memory. */
char *json_shown(const char *text);

#endif
