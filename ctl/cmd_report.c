/* `report`: what a building's meters used, month by month. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/text.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "common/store/meter.h"
#include "ctl/report_print.h"
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
    struct err e;
    if (!session_database(&session, true, &e))
        return ctl_fail(&e);
    PGresult *rows CLEANUP(pg_clear) =
        meter_months(session.pg, q->building_id, REPORT_MAX_ROWS, &e);
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
