/* Text in columns, as wide as what is in them. */
#ifndef METERBEAT_CTL_TABLE_H
#define METERBEAT_CTL_TABLE_H

#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/base/attr.h"

#define TABLE_COLUMNS 16

struct table {
    size_t columns;
    const char *const *titles; /* one that starts with '>' is of a column of numbers */
    char **cells;
    size_t count, room;
};

struct table table_make(const char *const *titles, size_t columns);
/* The next cell, row by row, cleaned as text_clean does: what comes off a queue or a database is
 * not to speak to a terminal. Without memory the cell stays empty. */
void table_add(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);
void table_print(const struct table *t, FILE *out);
void table_free(struct table *t); /* for CLEANUP too */
/* Columns that text takes: its UTF-8 characters. */
size_t table_width(const char *text);

#endif
