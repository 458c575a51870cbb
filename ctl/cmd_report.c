/* `report`: what a building's meters used, month by month. */
#include "ctl/cmd_report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/text.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "common/espi/series_names.h"
#include "common/espi/units.h"
#include "ctl/session.h"

struct request {
    struct ctl *ctl;
    const char *building_id;
    bool csv, json;
};

static const struct option_row options[] = {
    {"csv", NULL, "Comma-separated values with a line of names", FLAG(csv)},
    {"json", NULL, "One JSON object", 'j', FLAG(json)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "BUILDING",
    .doc = "The months of a building by meter, from seed_timeseries, in local_timezone.\v"
           "A month with * has changed since it was summed; the next aggregate sums it again.\n"
           "A month with =7 is the same energy as that of meter 7, which counts.\n"
           "covered is how much of the month has readings: less than 100 % is no whole month;\n"
           "gaps are the holes, estimated the share of readings of an estimated quality.\n"
           "Exit status: 0 printed, 1 no such months or no database, 2 wrong usage.",
    .most = 1,
    .none = "which building?",
};

/* --- rows
 * ------------------------------------------------------------------------------------------------
 */

/* A meter is a building's when it is linked to it, or when its series say so: building ids that
 * are no numbers have no link. */
static const char report_sql[] =
    "SELECT m.id, m.name, m.custom_meter_id, m.energy_units, s.service, s.flow, NULL,"
    " extract(epoch FROM t.begin_time)::bigint, extract(epoch FROM t.end_time)::bigint,"
    " t.reading, t.cost, EXISTS (SELECT FROM meterbeat.dirty_month d JOIN meterbeat.series x"
    "  ON x.id = d.series_id WHERE x.meter_id = m.id AND d.month_start = t.begin_time),"
    " m.energy_type, c.covered_s, c.expected_s, c.gaps, c.readings, c.estimated, s.zone,"
    " c.series_id IS NOT NULL, k.counted_by"
    " FROM seed_meter m JOIN seed_timeseries t ON t.meter_id = m.id"
    " LEFT JOIN LATERAL (SELECT string_agg(DISTINCT tags->>'energy_type', '/') AS service,"
    "  string_agg(DISTINCT CASE tags->>'reading_kind' WHEN 'bill' THEN 'bill'"
    "  ELSE tags->>'flow' END, '/') AS flow, max(time_zone) AS zone"
    "  FROM meterbeat.series WHERE meter_id = m.id) s ON true"
    " LEFT JOIN LATERAL (SELECT v.* FROM meterbeat.coverage v JOIN meterbeat.series x"
    "  ON x.id = v.series_id WHERE x.meter_id = m.id AND v.month_start = t.begin_time"
    "  AND v.month_end = t.end_time ORDER BY v.series_id LIMIT 1) c ON true"
    " LEFT JOIN LATERAL (SELECT counted_by FROM meterbeat.counted n WHERE n.meter_id = m.id"
    "  AND n.month_start = t.begin_time ORDER BY n.series_id LIMIT 1) k ON true"
    " WHERE isfinite(t.begin_time) AND isfinite(t.end_time) AND (EXISTS (SELECT FROM"
    "  seed_meter_canonical_building l WHERE l.meter_id = m.id"
    "  AND l.canonicalbuilding_id::text = $1) OR EXISTS (SELECT FROM meterbeat.series x"
    "  WHERE x.meter_id = m.id AND x.tags->>'canonical_id' = $1))"
    " ORDER BY m.id, t.begin_time, t.end_time LIMIT $2";

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
    const char *service = pg_text(r->rows, i, 4);
    struct report_row row = {
        .meter_id = pg_int(r->rows, i, 0, 0),
        .name = or_unknown(pg_text(r->rows, i, 1)),
        .custom_meter_id = or_unknown(pg_text(r->rows, i, 2)),
        /* a meter that only SEED wrote: SEED's own tasks kept ESPI's codes in these */
        .service = or_unknown(service ? service : series_service_name(pg_int(r->rows, i, 12, -1))),
        .has_coverage = pg_bool(r->rows, i, 19) && !PQgetisnull(r->rows, i, 13),
        .covered_s = pg_int(r->rows, i, 13, 0),
        .expected_s = pg_int(r->rows, i, 14, 0),
        .gaps = pg_int(r->rows, i, 15, 0),
        .readings = pg_int(r->rows, i, 16, 0),
        .estimated = pg_int(r->rows, i, 17, 0),
        .flow = or_unknown(pg_text(r->rows, i, 5)),
        .unit = or_unknown(units_seed_name(pg_int(r->rows, i, 3, -1))),
        .begin_s = pg_int(r->rows, i, 7, 0),
        .end_s = pg_int(r->rows, i, 8, 0),
        .reading = pg_double(r->rows, i, 9, 0),
        .has_reading = !PQgetisnull(r->rows, i, 9),
        .cost = pg_text(r->rows, i, 10),
        .changed = pg_bool(r->rows, i, 11),
        .counted_by = pg_int(r->rows, i, 20, 0),
    };
    name_period(zone_of(r, pg_text(r->rows, i, 18)), &row);
    return row;
}

int report_meter_end(const struct report *r, int i)
{
    int64_t meter = pg_int(r->rows, i, 0, 0);
    while (i < r->count && pg_int(r->rows, i, 0, 0) == meter)
        i++;
    return i;
}

/* --- the command
 * ------------------------------------------------------------------------------------------ */

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 100;
}

static int print_report(const struct request *q, const struct report *r)
{
    struct err e;
    if (r->count == REPORT_MAX_ROWS)
        text_print(stderr, "meterbeatctl: only the first %d rows\n", REPORT_MAX_ROWS);
    if (q->csv)
        report_print_csv(r, stdout);
    else if (!q->json)
        report_print_text(r, terminal_width(), stdout);
    else if (!report_print_json(r, stdout, &e))
        return ctl_fail(&e);
    if (r->count > 0)
        return CTL_OK;
    text_print(stderr,
               "meterbeatctl: no months of building %s yet\n  `meterbeatctl status` says whether "
               "its records are behind; `meterbeatctl send aggregate '[\"%s\"]'` sums now.\n",
               q->building_id, q->building_id);
    return CTL_FAILED;
}

static int load_and_print(struct request *q, const struct timezone_rules *zone)
{
    CLEANUP(session_end) struct session session = {.settings = &q->ctl->settings};
    char most[PG_NUMBER];
    struct err e;
    if (!session_database(&session, true, &e))
        return ctl_fail(&e);
    PGresult *rows CLEANUP(pg_clear) = pg_query(
        session.pg, &e, report_sql, PG_ARGS(q->building_id, pg_number(REPORT_MAX_ROWS, most)));
    if (!rows)
        return ctl_fail(&e);
    struct zones zones = {.count = 0};
    struct report report = {.building_id = q->building_id,
                            .zone = zone,
                            .zones = &zones,
                            .rows = rows,
                            .count = PQntuples(rows)};
    int status = print_report(q, &report);
    zones_free(&zones);
    return status;
}

int report_run(struct ctl *c, int argc, char **argv)
{
    struct request q = {.ctl = c};
    struct timezone_rules *zone = NULL;
    struct err e;
    int status;
    option_parse(c, &usage, &q, argc, argv);
    q.building_id = c->arguments[0];
    if (q.csv && q.json)
        return ctl_misused("report: either --csv or --json");
    if (!ctl_settings(c, &status))
        return status;
    if (!timezone_load(c->settings.local_timezone, &zone, &e))
        return ctl_fail(&e);
    status = load_and_print(&q, zone);
    timezone_free(zone);
    return status;
}
