/* A dumped Celery schedule, written as settings that the programs load. */
#ifndef METERBEAT_CTL_CMD_BEAT_IMPORT_H
#define METERBEAT_CTL_CMD_BEAT_IMPORT_H

#include <jansson.h>
#include <stdio.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct beat_import {
    size_t entries; /* of the dump */
    size_t lost;    /* texts about what is left out */
};

/*
 * dump: what docs/from-celery.md dumps. Writes timezone and schedule to out; each entry has been
 * loaded by settings_load and schedule_new once, from a file in $TMPDIR, and comments say what
 * could not be carried over. False: ERR_REJECT "bad_dump" (no schedule in it), ERR_RETRY
 * "no_memory", "no_file" (none can be written there).
 */
MUST_CHECK bool beat_import(const json_t *dump, FILE *out, struct beat_import *ret, struct err *e);

#endif
