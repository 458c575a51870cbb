/* `record`: the Green Button subscriptions in seed_ts_parser_record. */
#include "ctl/cmd_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/option.h"

static const struct option_row options[] = {
    {"url", "URL", "Where the feed is (required)", 0, 1, TEXT(record.url)},
    {"building", "ID", "The canonical building it belongs to (required)", 'b', 1,
     TEXT(record.building_id)},
    {"sub-id", "ID", "The subscription, put behind the URL", 0, 1, TEXT(record.sub_id)},
    {"min-parameter", "NAME",
     "Query parameter of the first day, such as published-min; without one the feed comes whole", 0,
     1, TEXT(record.min_date_parameter)},
    {"max-parameter", "NAME", "Query parameter of the last day", 0, 1,
     TEXT(record.max_date_parameter)},
    {"time-type", "date|timestamp", "How those are written (default: date)", 0, 1,
     TEXT(record.time_type)},
    {"date-pattern", "PATTERN",
     "The form of a date: %m/%d/%Y (default), %Y-%m-%d, month/day/year, ...", 0, 1,
     TEXT(record.date_pattern)},
    {"last-date", "DATE", "The first day not fetched yet, in that form", 0, 1,
     TEXT(record.last_date)},
    {"last-ts", "SECONDS", "The same as epoch seconds, for timestamp", 0, 1,
     NUMBER(record.last_ts, 0)},
    {"paused", NULL, "Not fetched until `record resume`", 0, 1, FLAG(is_paused)},
    {"custodian", "NAME", "Ask this custodian by Connect My Data; then --url is not needed", 0, 2,
     TEXT(custodian)},
    {"subscription", "ID", "... for Batch/Subscription/ID", 0, 2, TEXT(subscription)},
    {"bulk", "ID", "... for Batch/Bulk/ID", 0, 2, TEXT(bulk)},
    {"path", "PATH", "... for another resource below its base_url", 0, 2, TEXT(path)},
    {"grant", "refresh_token|client_credentials|none",
     "How it is authorized (default: tokens that `record authorize` reads)", 0, 2, TEXT(grant)},
    {"json", NULL, "One JSON object a line (list, show)", 'j', 3, FLAG(json)},
};

static void check(const struct ctl *c, void *request, const struct argp_state *state)
{
    struct request *r = request;
    if (c->argument_count > 1)
        r->id = option_number(state, "ID", c->arguments[1], 0);
    if (c->argument_count > 2 && strcmp(c->arguments[0], "set") != 0)
        argp_error(state, "Too many arguments");
    r->record.active = !r->is_paused;
}

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments =
        "add --url URL --building ID\nadd --custodian NAME --subscription ID --building ID\n"
        "list\nshow ID\nset ID NAME=VALUE...\npause ID\nresume ID\nauthorize ID",
    .doc = "The Green Button subscriptions of buildings: rows of seed_ts_parser_record.\v"
           "Example:\n"
           "  meterbeatctl record add --building 42 --sub-id 7 \\\n"
           "    --url https://utility.example/espi/1_1/resource/Batch/Subscription/ \\\n"
           "    --min-parameter published-min --max-parameter published-max\n"
           "  meterbeatctl record add --building 42 --custodian hydro --subscription 7\n"
           "  meterbeatctl record authorize 12 <answer-of-the-token-endpoint.json\n"
           "What `set` takes; an empty value takes it back:\n"
           "  time_zone=feed|ZONE         whose days and months; else local_timezone\n"
           "  heat_content='1037 Btu/ft3' of gas by volume, which is then summed in therms\n"
           "  registers=deltas|differences  what accumulation 1 holds; else its values tell\n"
           "and where the feed is wrong:\n"
           "  multiplier=0                the power of ten of all readings, for the feed's\n"
           "  cost_scale=0.001            what a cost of 1 is worth; ESPI's is 0.00001\n"
           "  shift=-3600|milliseconds    seconds added to each start; or what starts are in\n"
           "  meter=NAME                  the usage point of readings without one\n"
           "  service=electricity|gas|... what is metered, whatever the feed says\n"
           "What is stored already is read again. Without NAME=VALUE: shows what is decided, and "
           "asks again for days that are not read again yet.",
    .most = SIZE_MAX,
    .check = check,
};

static const struct verb {
    const char *name;
    bool wants_id;
    int (*run)(struct request *r);
} verbs[] = {
    {"add", false, record_add_run},
    {"list", false, record_list_run},
    {"show", true, record_show_run},
    {"pause", true, record_pause_run},
    {"resume", true, record_resume_run},
    {"set", true, record_set_run},
    {"authorize", true, record_authorize_run},
};

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int perform(struct request *r, const struct verb *verb)
{
    CLEANUP(session_end) struct session session = {.settings = &r->ctl->settings};
    struct err e;
    r->session = &session;
    if (!timezone_load(r->ctl->settings.local_timezone, &r->zone, &e) ||
        !session_database(&session, true, &e))
        return ctl_fail(&e);
    return verb->run(r);
}

static int perform_verb(struct ctl *c, struct request *r)
{
    int status;
    const struct verb *verb = verb_find(c->arguments[0]);
    if (!verb)
        return ctl_misused("record what? add, list, show, set, pause, resume or authorize");
    if (verb->wants_id != (r->id != 0))
        return ctl_misused("record %s takes %s ID", verb->name, verb->wants_id ? "an" : "no");
    return ctl_settings(c, &status) ? perform(r, verb) : status;
}

int record_run(struct ctl *c, int argc, char **argv)
{
    static char none[] = "", date[] = "date", pattern[] = "%m/%d/%Y";
    struct request r = {.ctl = c,
                        .record = {.url = none,
                                   .sub_id = none,
                                   .building_id = none,
                                   .time_type = date,
                                   .date_pattern = pattern,
                                   .min_date_parameter = none,
                                   .max_date_parameter = none,
                                   .last_date = none}};
    option_parse(c, &usage, &r, argc, argv);
    int status = perform_verb(c, &r);
    timezone_free(r.zone);
    return status;
}
