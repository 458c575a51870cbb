/* `status`: queues, workers, schedule entries, records, runs: how it all is, at one look. */
#include "ctl/cmd_status.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/commands.h"

struct request {
    struct ctl *ctl;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "One JSON object", 0},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct request *r = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &r->ctl->program;
        return 0;
    case 'j':
        r->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = take_option,
    .doc = "Queues, workers, schedule entries, records and runs.\v"
           "Unacknowledged messages are shown when broker.management_url is set.\n"
           "Exit status: 0 every server answered, 1 not every: what did answer is shown.",
    .children = program_children,
};

/* Asks the broker, then the database; one that does not answer does not hide the other. */
static int collect(struct session *s, int64_t now_s, json_t *status)
{
    struct err e;
    int result = CTL_OK;
    if (!session_broker(s, &e) || !status_queues(s, status, &e))
        result = ctl_fail(&e);
    if (!session_database(s, true, &e) || !status_books(s, status, &e) ||
        !status_entries(s, now_s, status, &e) || !status_records(s, now_s, status, &e))
        result = ctl_fail(&e);
    return result;
}

int status_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {.ctl = c};
    struct err e;
    int result;
    program_parse(&argp, 0, argc, argv, &r);
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
