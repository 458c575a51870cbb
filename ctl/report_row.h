/* `report`: the months of a building's meters, row by row. */
#ifndef METERBEAT_CTL_REPORT_ROW_H
#define METERBEAT_CTL_REPORT_ROW_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/zones.h"

#define REPORT_MAX_ROWS 100000

struct report {
    const char *building_id;
    const struct timezone_rules *zone; /* local_timezone */
    struct zones *zones;               /* of meters that have their own */
    PGresult *rows;                    /* of meter_months() */
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

#endif
