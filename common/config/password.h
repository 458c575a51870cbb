/* Passwords: from the environment, a file, or a URL, in this order. */
#ifndef METERBEAT_CONFIG_PASSWORD_H
#define METERBEAT_CONFIG_PASSWORD_H

#include "common/base/attr.h"
#include "common/config/settings_value.h"

/*
 * Takes the passwords out of broker.url and database.url, and reads those of the files and of the
 * environment. A secret, or the private key of broker.key_file, in a file that others may read or
 * change is refused (config/file_mode.h). False as settings_load: "bad_secret", "no_memory".
 */
MUST_CHECK bool secret_load_all(const struct loading *l);
/* Overwrites the secrets of the environment where the kernel and our children would find them. Once
 * no settings are to be loaded any more; before any thread starts. */
void secret_forget_environment(void);

#endif
