/* `report`: for people, spreadsheets and other programs. */
#ifndef METERBEAT_CTL_REPORT_PRINT_H
#define METERBEAT_CTL_REPORT_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include "common/base/err.h"
#include "ctl/report_row.h"

/* A table a meter, with bars; width: of the screen. */
void report_print_text(const struct report *r, size_t width, FILE *out);
void report_print_csv(const struct report *r, FILE *out);
/* One JSON object. False: ERR_RETRY "no_memory". */
MUST_CHECK bool report_print_json(const struct report *r, FILE *out, struct err *e);

#endif
