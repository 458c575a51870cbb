/* `import`: what came of a file, and how it is printed. */
#ifndef METERBEAT_CTL_CMD_IMPORT_H
#define METERBEAT_CTL_CMD_IMPORT_H

#include <jansson.h>

#include "worker/ingest/import.h"
#include "ctl/progress.h"

struct import_print {
    bool json, dry_run;
    const char *file;          /* at hand now */
    struct progress *progress; /* taken away while something is printed */
};

/* A diff_sink: context is a struct import_print. */
MUST_CHECK bool import_print_series(void *context, const struct diff_series *series, struct err *e);
/* What came of one file; why NULL: it was read. False: ERR_RETRY "no_memory". */
MUST_CHECK bool import_print_file(struct import_print *p, const char *name,
                                  const struct import_result *result, const struct err *why,
                                  struct err *e);
/* What aggregate returned. */
MUST_CHECK bool import_print_sums(struct import_print *p, const char *building_id,
                                  const json_t *sums, struct err *e);

#endif
