/* `status`: queues, workers, schedule entries, records, runs: how it all is, at one look. */
#include "ctl/cmd_status.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/store/overview.h"
#include "ctl/commands.h"
#include "ctl/option.h"

struct request {
    bool json;
};

static const struct option_row options[] = {
    {"json", NULL, "One JSON object", 'j', FLAG(json)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .doc = "Queues, workers, schedule entries, records and runs.\v"
           "Unacknowledged messages are shown when broker.management_url is set.\n"
           "Exit status: 0 every server answered, 1 not every: what did answer is shown.",
};

/* Takes the reference of value; NULL: e is filled. */
static bool put(json_t *status, const char *key, json_t *value, struct err *e)
{
    return value && (json_object_set_new(status, key, value) == 0 ||
                     err_set(e, ERR_RETRY, "no_memory", "no memory"));
}

/* custodians, workers, runs, outbox, dirty_months, months, open_runs. */
static bool status_store(struct session *s, json_t *status, struct err *e)
{
    if (!put(status, "custodians", overview_custodians(s->pg, e), e) ||
        !put(status, "workers", overview_workers(s->pg, e), e))
        return false;
    json_auto_t *counts = overview_counts(s->pg, e);
    if (!counts)
        return false;
    if (json_object_update(status, counts) != 0)
        return err_set(e, ERR_RETRY, "no_memory", "no memory");
    return put(status, "open_runs", overview_open_runs(s->pg, STATUS_OPEN_RUNS, e), e);
}

/* Asks the broker, then the database; one that does not answer does not hide the other. */
static int collect(struct session *s, int64_t now_s, json_t *status)
{
    struct err e;
    int result = CTL_OK;
    if (!session_broker(s, &e) || !status_queues(s, status, &e))
        result = ctl_fail(&e);
    if (!session_database(s, true, &e) || !status_store(s, status, &e) ||
        !status_entries(s, now_s, status, &e) || !status_records(s, now_s, status, &e))
        result = ctl_fail(&e);
    return result;
}

int status_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {0};
    struct err e;
    int result;
    option_parse(c, &usage, &r, argc, argv);
    if (!ctl_settings(c, &result))
        return result;
    CLEANUP(session_end) struct session session = {.settings = &c->settings};
    int64_t now_s = clock_wall_ms() / 1000;
    json_t *status = json_object();
    if (!status)
        return CTL_FAILED;
    result = collect(&session, now_s, status);
    if (!r.json)
        status_print(status, stdout);
    else if (!ctl_print_json_as(json_incref(status), JSON_INDENT(2), &e))
        result = CTL_FAILED;
    json_decref(status);
    return result;
}
