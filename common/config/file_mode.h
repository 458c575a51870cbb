/* Whether others can read or change a file, judged as libpq and ssh do. */
#ifndef METERBEAT_CONFIG_FILE_MODE_H
#define METERBEAT_CONFIG_FILE_MODE_H

#include <sys/stat.h>

/*
 * For a private key or secret, by libpq's rule for client keys (fe-secure-openssl.c): owned by us
 * with mode 600, or by root, whose group may read it (640). Root also accepts a file of the account
 * that the programs run as. NULL: acceptable; else the reason and the remedy, to follow the file's
 * name.
 */
const char *file_mode_secret(const struct stat *st);
/* For a configuration without secrets: must not be writable by everybody. NULL, or the reason. */
const char *file_mode_plain(const struct stat *st);

#endif
