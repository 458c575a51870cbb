/* `init-db`: makes the tables that are missing; safe to repeat. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/store/custodian.h"
#include "common/store/schema.h"
#include "common/store/schema_sql.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "ctl/session.h"

static const char doc[] =
    "Make the seed's tables where they are missing, and the schema \"meterbeat\" or what is new in "
    "it. Nothing that is there is altered; safe to repeat, and while everything runs.";

/* Version 6 seals secrets for the servers that their custodians name when it is made. */
#define SEALED_FOR_SERVERS 6

static bool encrypt_again(struct ctl *c, struct session *session, int from_version, struct err *e)
{
    PGresult *rows CLEANUP(pg_clear) = custodian_servers(session->pg, "", true, e);
    bool may =
        from_version > 0 && from_version < SEALED_FOR_SERVERS && c->settings.credentials.key[0];
    if (!rows)
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        int64_t count = 0;
        if (may && !custodian_reseal(session->pg, c->settings.credentials.key,
                                     pg_int(rows, i, 0, 0), &count, e))
            return false;
        if (may)
            text_print(stdout, "sealed      %s: %" PRId64 " for %s %s\n", pg_text(rows, i, 1),
                       count, pg_text(rows, i, 2), pg_text(rows, i, 3));
        else
            text_print(stdout,
                       "sealed      %s: not for its servers yet, and cannot be used: look at its "
                       "URLs, then meterbeatctl custodian reseal %s\n",
                       pg_text(rows, i, 1), pg_text(rows, i, 1));
    }
    return true;
}

struct request {
    bool wants_roles;
};

static const struct option_row options[] = {
    {"roles", NULL,
     "Print the SQL of least rights instead, for psql: roles of workers, producers and people", 'r',
     FLAG(wants_roles)},
};

static const struct usage usage = {USAGE_OPTIONS(options), .doc = doc};

int init_db_run(struct ctl *c, int argc, char **argv)
{
    int status;
    struct request r = {0};
    option_parse(c, &usage, &r, argc, argv);
    if (r.wants_roles)
        return fwrite(schema_sql_roles, 1, strlen(schema_sql_roles), stdout) > 0 ? CTL_OK
                                                                                 : CTL_FAILED;
    if (!ctl_settings(c, &status))
        return status;
    CLEANUP(session_end) struct session session = {.settings = &c->settings};
    struct schema_report report;
    struct err e;
    if (!session_database(&session, false, &e) || !schema_init(session.pg, &report, &e))
        return ctl_fail(&e);
    if (report.made[0])
        text_print(stdout, "made        %s\n", report.made);
    if (report.found[0])
        text_print(stdout, "left alone  %s\n", report.found);
    if (report.from_version == report.to_version)
        text_print(stdout, "schema      meterbeat, version %d, was there\n", report.to_version);
    else
        text_print(stdout, "schema      meterbeat, version %d to %d\n", report.from_version,
                   report.to_version);
    if (!encrypt_again(c, &session, report.from_version, &e))
        return ctl_fail(&e);
    char *rest = report.remarks, *line;
    while ((line = strsep(&rest, "\n")))
        if (line[0])
            text_print(stdout, "%s\n", line);
    return CTL_OK;
}
