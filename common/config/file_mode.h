/* Who else may read or change a file, judged as libpq and ssh judge it. */
#ifndef METERBEAT_CONFIG_FILE_MODE_H
#define METERBEAT_CONFIG_FILE_MODE_H

#include <sys/stat.h>

/*
 * Of a private key or a secret: libpq's rule of a client's key (fe-secure-openssl.c). It belongs to
 * us and nobody else may do anything with it (600), or to root, whose group may read it (640). As
 * root we also take that of the account which the programs run as. NULL: so it is; else why not,
 * and what to do, to stand behind the file's name.
 */
const char *file_mode_secret(const struct stat *st);
/* Of a configuration without secrets: not everybody may change it. NULL, or why not. */
const char *file_mode_plain(const struct stat *st);

#endif
