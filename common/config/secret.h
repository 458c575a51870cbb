/* Passwords: from the environment, a file, or a URL, in this order. */
#ifndef METERBEAT_CONFIG_SECRET_H
#define METERBEAT_CONFIG_SECRET_H

#include "base/attr.h"
#include "config/settings_value.h"

/*
 * Takes the passwords out of broker.url and database.url, reads those of the files and of the
 * environment, and leaves in settings.warning what a person should know about them. False as
 * settings_load: "bad_secret", "no_memory".
 */
MUST_CHECK bool secret_load_all(const struct loading *l);

#endif
