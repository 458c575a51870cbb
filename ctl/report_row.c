/* A row of the query as a month with its names. */
#include "ctl/report_row.h"

#include <stdio.h>

#include "common/espi/series_names.h"
#include "common/espi/units.h"
#include "common/store/meter.h"

/* SEED's own rows of a month end at the last second of it. */
static void name_period(const struct timezone_rules *zone, struct report_row *row)
{
    int64_t start = timezone_month_start(zone, row->begin_s, 0);
    int64_t end = timezone_month_start(zone, row->begin_s, 1);
    struct civil from = timezone_civil(zone, row->begin_s);
    struct civil last = timezone_civil(zone, row->end_s - 1);
    row->is_month = row->begin_s == start && (row->end_s == end || row->end_s == end - 1);
    if (row->is_month)
        snprintf(row->period, sizeof row->period, "%04d-%02d", from.year, from.month);
    else
        snprintf(row->period, sizeof row->period, "%04d-%02d-%02d to %04d-%02d-%02d", from.year,
                 from.month, from.day, last.year, last.month, last.day);
}

static const char *or_unknown(const char *text)
{
    return text && text[0] ? text : "?";
}

/* The zone of the meter's months; the configured one where it has none of its own. */
static const struct timezone_rules *zone_of(const struct report *r, const char *name)
{
    const struct timezone_rules *zone;
    return name && zones_get(r->zones, name, &zone, NULL) ? zone : r->zone;
}

struct report_row report_row(const struct report *r, int i)
{
    const char *service = pg_text(r->rows, i, MONTH_SERVICE);
    struct report_row row = {
        .meter_id = pg_int(r->rows, i, MONTH_METER_ID, 0),
        .name = or_unknown(pg_text(r->rows, i, MONTH_NAME)),
        .custom_meter_id = or_unknown(pg_text(r->rows, i, MONTH_CUSTOM_METER_ID)),
        /* a meter that only SEED wrote: SEED's own tasks kept ESPI's codes in these */
        .service = or_unknown(
            service ? service : series_service_name(pg_int(r->rows, i, MONTH_ENERGY_TYPE, -1))),
        .has_coverage =
            pg_bool(r->rows, i, MONTH_HAS_COVERAGE) && !PQgetisnull(r->rows, i, MONTH_COVERED_S),
        .covered_s = pg_int(r->rows, i, MONTH_COVERED_S, 0),
        .expected_s = pg_int(r->rows, i, MONTH_EXPECTED_S, 0),
        .gaps = pg_int(r->rows, i, MONTH_GAPS, 0),
        .readings = pg_int(r->rows, i, MONTH_READINGS, 0),
        .estimated = pg_int(r->rows, i, MONTH_ESTIMATED, 0),
        .flow = or_unknown(pg_text(r->rows, i, MONTH_FLOW)),
        .unit = or_unknown(units_seed_name(pg_int(r->rows, i, MONTH_UNIT, -1))),
        .begin_s = pg_int(r->rows, i, MONTH_BEGIN_S, 0),
        .end_s = pg_int(r->rows, i, MONTH_END_S, 0),
        .reading = pg_double(r->rows, i, MONTH_READING, 0),
        .has_reading = !PQgetisnull(r->rows, i, MONTH_READING),
        .cost = pg_text(r->rows, i, MONTH_COST),
        .changed = pg_bool(r->rows, i, MONTH_CHANGED),
        .counted_by = pg_int(r->rows, i, MONTH_COUNTED_BY, 0),
    };
    name_period(zone_of(r, pg_text(r->rows, i, MONTH_ZONE)), &row);
    return row;
}

int report_meter_end(const struct report *r, int i)
{
    int64_t meter = pg_int(r->rows, i, MONTH_METER_ID, 0);
    while (i < r->count && pg_int(r->rows, i, MONTH_METER_ID, 0) == meter)
        i++;
    return i;
}
