/* Rows: in columns as wide as what is in them, or as comma-separated values (RFC 4180). Rows for programs are JSON, a
 * line each: ctl_print_json. */
#ifndef METERBEAT_CTL_TABLE_H
#define METERBEAT_CTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "common/base/attr.h"

#define TABLE_COLUMNS 24

/* A title that begins with '>' is of a column of numbers, one with '"' of texts that CSV quotes. */
struct table {
    const char *const *titles;
    size_t columns;
    char **rows; /* cells one behind the other, each with its NUL; NULL: no memory for it */
    size_t count, room;
};

struct table table_make(const char *const *titles, size_t columns);
/* The next row: tabs of the format stand between its cells. Values are cleaned as text_print does,
 * so they can hold no tab. */
void table_row(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* All of it in columns, titles first. */
void table_print(const struct table *t, FILE *out);
void table_free(struct table *t); /* for CLEANUP too */

/* The titles as a line of CSV, and a row as one; it is not kept. An apostrophe makes a text of what
 * a spreadsheet would take for a formula. */
void table_csv_titles(const struct table *t, FILE *out);
void table_csv_row(const struct table *t, FILE *out, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
