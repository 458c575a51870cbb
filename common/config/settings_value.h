/* One setting of the file into its field: type, range and syntax checked. */
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
    const char *loose;  /* why no secrets belong into it: source_check's; NULL: they may */
    const char *folder; /* absolute: what file names in it are relative to */
    struct strings *strings;
    struct settings *settings;
    const char *zones[LOADING_ZONES]; /* known to be good: an entry each need not load them again */
    size_t zones_count;
    struct err *e;
};

#define LOADING_FILE 4500

/* The file libconfig names: as given, or, when included, with its folder. Returns out. */
const char *loading_file(const struct loading *l, const char *named, char out[LOADING_FILE]);
/* "file:line: name: why"; always false. setting NULL: without a line. */
bool loading_refuse(const struct loading *l, const config_setting_t *setting, const char *name,
                    const char *format, ...) PRINTF_LIKE(4, 5);
/* A copy owned by the settings; false "no_memory". */
MUST_CHECK bool loading_copy(const struct loading *l, const char *text, const char **ret_copy);
/* Each row's default into base; rows without one are left alone. */
MUST_CHECK bool loading_defaults(struct loading *l, const struct setting *table, size_t count,
                                 void *base);
/* One element of the file into the field of `row` in base. */
MUST_CHECK bool loading_value(struct loading *l, const struct setting *row,
                              const config_setting_t *setting, void *base);

#endif
