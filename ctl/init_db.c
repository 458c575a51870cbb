/* `init-db`: makes the tables that are missing; safe to repeat. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "books/schema.h"
#include "commands.h"
#include "session.h"

static const char doc[] =
    "Make the seed's tables where they are missing, and the schema \"meterbeat\" or what is new in "
    "it. Nothing that is there is altered; safe to repeat, and while everything runs.";

int init_db_run(struct ctl *c, int argc, char **argv)
{
    int status;
    if (!ctl_start(c, argc, argv, doc, &status))
        return status;
    CLEANUP(session_end) struct session session = {.settings = &c->settings};
    struct schema_report report;
    struct err e;
    if (!session_database(&session, false, &e) || !schema_init(session.pg, &report, &e))
        return ctl_fail(&e);
    if (report.made[0] != '\0')
        text_print(stdout, "made        %s\n", report.made);
    if (report.found[0] != '\0')
        text_print(stdout, "left alone  %s\n", report.found);
    if (report.from_version == report.to_version)
        text_print(stdout, "schema      meterbeat, version %d, was there\n", report.to_version);
    else
        text_print(stdout, "schema      meterbeat, version %d to %d\n", report.from_version,
                   report.to_version);
    char *rest = report.remarks, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            text_print(stdout, "%s\n", line);
    return CTL_OK;
}
