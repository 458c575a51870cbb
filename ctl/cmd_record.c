/* `record`: the Green Button subscriptions in seed_ts_parser_record. */
#include "ctl/cmd_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"

enum {
    KEY_URL = 256,
    KEY_SUB_ID,
    KEY_TYPE,
    KEY_PATTERN,
    KEY_MIN,
    KEY_MAX,
    KEY_DATE,
    KEY_TS,
    KEY_OFF,
    KEY_CUSTODIAN,
    KEY_SUBSCRIPTION,
    KEY_BULK,
    KEY_PATH,
    KEY_GRANT
};

static const struct argp_option options[] = {
    {"url", KEY_URL, "URL", 0, "Where the feed is (required)", 1},
    {"building", 'b', "ID", 0, "The canonical building it belongs to (required)", 1},
    {"sub-id", KEY_SUB_ID, "ID", 0, "The subscription, put behind the URL", 1},
    {"min-parameter", KEY_MIN, "NAME", 0,
     "Query parameter of the first day, such as published-min; without one the feed comes whole",
     1},
    {"max-parameter", KEY_MAX, "NAME", 0, "Query parameter of the last day", 1},
    {"time-type", KEY_TYPE, "date|timestamp", 0, "How those are written (default: date)", 1},
    {"date-pattern", KEY_PATTERN, "PATTERN", 0,
     "The form of a date: %m/%d/%Y (default), %Y-%m-%d, month/day/year, ...", 1},
    {"last-date", KEY_DATE, "DATE", 0, "The first day not fetched yet, in that form", 1},
    {"last-ts", KEY_TS, "SECONDS", 0, "The same as epoch seconds, for timestamp", 1},
    {"paused", KEY_OFF, NULL, 0, "Not fetched until `record resume`", 1},
    {"custodian", KEY_CUSTODIAN, "NAME", 0,
     "Ask this custodian by Connect My Data; then --url is not needed", 2},
    {"subscription", KEY_SUBSCRIPTION, "ID", 0, "... for Batch/Subscription/ID", 2},
    {"bulk", KEY_BULK, "ID", 0, "... for Batch/Bulk/ID", 2},
    {"path", KEY_PATH, "PATH", 0, "... for another resource below its base_url", 2},
    {"grant", KEY_GRANT, "refresh_token|client_credentials|none", 0,
     "How it is authorized (default: tokens that `record authorize` reads)", 2},
    {"json", 'j', NULL, 0, "One JSON object a line (list, show)", 3},
    {0},
};

static int64_t number(const char *text, const char *what, struct argp_state *state)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno != 0 || value < 1)
        argp_error(state, "%s must be a number above 0", what);
    return value;
}

static error_t take_argument(struct record_request *r, char *argument, struct argp_state *state)
{
    if (state->arg_num == 0)
        r->verb = argument;
    else if (state->arg_num == 1)
        r->id = number(argument, "ID", state);
    else if (r->verb && strcmp(r->verb, "set") == 0)
        r->words[r->word_count++] = argument;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static char **field_of(struct record *record, int key)
{
    switch (key) {
    case KEY_URL:
        return &record->url;
    case 'b':
        return &record->building_id;
    case KEY_SUB_ID:
        return &record->sub_id;
    case KEY_MIN:
        return &record->min_date_parameter;
    case KEY_MAX:
        return &record->max_date_parameter;
    case KEY_TYPE:
        return &record->time_type;
    case KEY_PATTERN:
        return &record->date_pattern;
    case KEY_DATE:
        return &record->last_date;
    default:
        return NULL;
    }
}

static const char **word_of(struct record_request *r, int key)
{
    switch (key) {
    case KEY_CUSTODIAN:
        return &r->custodian;
    case KEY_SUBSCRIPTION:
        return &r->subscription;
    case KEY_BULK:
        return &r->bulk;
    case KEY_PATH:
        return &r->path;
    case KEY_GRANT:
        return &r->grant;
    default:
        return NULL;
    }
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct record_request *r = state->input;
    char **field = field_of(&r->record, key);
    const char **word = word_of(r, key);
    if (field)
        *field = argument;
    else if (word)
        *word = argument;
    else if (key == ARGP_KEY_INIT)
        state->child_inputs[0] = &r->ctl->program;
    else if (key == KEY_TS)
        r->record.last_ts = number(argument, "SECONDS", state);
    else if (key == KEY_OFF)
        r->record.active = false;
    else if (key == 'j')
        r->json = true;
    else if (key == ARGP_KEY_ARG)
        return take_argument(r, argument, state);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = take_option,
    .args_doc =
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
    .children = program_children,
};

static const struct verb {
    const char *name;
    bool wants_id;
    int (*run)(struct record_request *r);
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

static int perform(struct record_request *r, const struct verb *verb)
{
    CLEANUP(session_end) struct session session = {.settings = &r->ctl->settings};
    struct err e;
    r->session = &session;
    if (!timezone_load(r->ctl->settings.local_timezone, &r->zone, &e) ||
        !session_database(&session, true, &e))
        return ctl_fail(&e);
    return verb->run(r);
}

static int perform_verb(struct ctl *c, struct record_request *r)
{
    int status;
    const struct verb *verb = verb_find(r->verb);
    if (!verb)
        return ctl_misused("record what? add, list, show, set, pause, resume or authorize");
    if (verb->wants_id != (r->id != 0))
        return ctl_misused("record %s takes %s ID", verb->name, verb->wants_id ? "an" : "no");
    return ctl_settings(c, &status) ? perform(r, verb) : status;
}

int record_run(struct ctl *c, int argc, char **argv)
{
    static char none[] = "", date[] = "date", pattern[] = "%m/%d/%Y";
    struct record_request r = {.ctl = c,
                               .record = {.url = none,
                                          .sub_id = none,
                                          .building_id = none,
                                          .time_type = date,
                                          .date_pattern = pattern,
                                          .min_date_parameter = none,
                                          .max_date_parameter = none,
                                          .last_date = none,
                                          .active = true}};
    r.words = calloc((size_t)argc, sizeof *r.words);
    if (!r.words)
        return CTL_FAILED;
    program_parse(&argp, 0, argc, argv, &r);
    int status = perform_verb(c, &r);
    free(r.words);
    timezone_free(r.zone);
    return status;
}
