/* Reads passwords from the environment, a file, or a URL, in this order. */
#ifndef METERBEAT_CONFIG_PASSWORD_H
#define METERBEAT_CONFIG_PASSWORD_H

#include "common/base/attr.h"
#include "common/config/settings_value.h"

/*
 * Removes the passwords from broker.url and database.url, and reads those in files and in the
 * environment. A secret, or the private key of broker.key_file, in a file that others can read or
 * change is rejected (file_mode.h). False as settings_load: "bad_secret", "no_memory".
 */
MUST_CHECK bool password_load_all(const struct loading *l);
/* Overwrites the secrets in the environment, where the kernel and child processes would find them.
 * Call when no more settings will be loaded, and before any thread starts. */
void password_forget_environment(void);

#endif
