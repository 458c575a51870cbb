/* Stores one setting of the file in its field, after checking type, range and syntax. */
#ifndef METERBEAT_CONFIG_SETTINGS_VALUE_H
#define METERBEAT_CONFIG_SETTINGS_VALUE_H

#include <libconfig.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/config/settings_table.h"
#include "common/config/strings.h"

#define LOADING_ZONES 64

struct loading {
    const char *path;   /* of the configuration file, as given */
    const char *loose;  /* why it must not contain secrets (source_check); NULL: it may */
    const char *folder; /* absolute: file names in it are relative to this */
    struct strings *strings;
    struct settings *settings;
    /* zones known to be valid, so that not every entry loads them */
    const char *zones[LOADING_ZONES];
    size_t zones_count;
    struct err *e;
};

#define LOADING_FILE 4500

/* The file name from libconfig: as given, or, if included, with its folder. Returns out. */
const char *loading_file(const struct loading *l, const char *named, char out[LOADING_FILE]);
/* Sets "file:line: name: why"; always false. setting NULL: without a line. */
bool loading_refuse(const struct loading *l, const config_setting_t *setting, const char *name,
                    const char *format, ...) PRINTF_LIKE(4, 5);
/* A copy owned by the settings; false: "no_memory". */
MUST_CHECK bool loading_copy(const struct loading *l, const char *text, const char **ret_copy);
/* Stores each row's default in base; rows without one are unchanged. */
MUST_CHECK bool loading_defaults(struct loading *l, const struct setting *table, size_t count,
                                 void *base);
/* Stores one element of the file in the field of `row` in base. */
MUST_CHECK bool loading_value(struct loading *l, const struct setting *row,
                              const config_setting_t *setting, void *base);

#endif
