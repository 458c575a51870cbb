/* The two ways to print what `inspect` found. */
#ifndef METERBEAT_CTL_INSPECT_PRINT_H
#define METERBEAT_CTL_INSPECT_PRINT_H

#include <stdio.h>

#include "common/base/zones.h"
#include "ctl/inspect_count.h"

struct inspect_file {
    const char *name;
    const struct err *failure;    /* NULL: well-formed, and the counts are there */
    const struct espi *feed;      /* NULL where it could not even be opened */
    struct inspect_count *counts; /* one a series */
    bool are_starts_known;        /* counts' starts */
    struct zones *zones;          /* to find the zones of feeds in */
};

typedef void inspect_printer(const struct inspect_file *f, FILE *out);

/*
 * One object a line: each series, then the file. Sums are JSON integers of any length (Python and
 * jq 1.7 read them exactly; a reader with 64-bit integers must take them as text). Absent values
 * are null.
 */
inspect_printer inspect_print_json;
/* Columns; sums scaled, with their unit. */
inspect_printer inspect_print_text;

#endif
