/* `report`: the months of a building's meters as rows of one query, and ways to print them. */
#ifndef METERBEAT_CTL_CMD_REPORT_H
#define METERBEAT_CTL_CMD_REPORT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/zones.h"

#define REPORT_MAX_ROWS 100000

struct report {
    const char *building_id;
    const struct timezone_rules *zone; /* local_timezone */
    struct zones *zones;               /* of meters that have their own */
    PGresult *rows;                    /* by meter, then by begin */
    int count;
};

/* One row; strings live as long as the report. */
struct report_row {
    int64_t meter_id;
    const char *name, *custom_meter_id;
    const char *service, *flow, *unit; /* "?" when nothing says */
    int64_t begin_s, end_s;
    double reading;
    bool has_reading;
    const char *cost;   /* as the database has it, NULL for none; the feed's currency */
    bool changed;       /* since it was summed: the next aggregate sums it again */
    int64_t counted_by; /* 0, or the meter whose month is the same energy, and
                           counts */
    bool has_coverage;  /* of a month summed from readings whose lengths are known
                         */
    int64_t covered_s, expected_s, gaps, readings, estimated;
    char period[32]; /* "2026-03" for a local month, else "2026-03-05 to 2026-04-03" */
    bool is_month;
};

struct report_row report_row(const struct report *r, int i);
/* One past the last row of the meter that row i is of. */
int report_meter_end(const struct report *r, int i);

void report_print_text(const struct report *r, size_t width, FILE *out);
void report_print_csv(const struct report *r, FILE *out);
/* False: ERR_RETRY "no_memory". */
MUST_CHECK bool report_print_json(const struct report *r, FILE *out, struct err *e);

#endif
