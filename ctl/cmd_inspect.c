/* `inspect`: what Green Button files hold, series by series, without any server. */
#include "ctl/commands.h"
#include "ctl/inspect.h"
#include "ctl/option.h"

struct request {
    bool json;
};

static const struct option_row options[] = {
    {"json", NULL, "One JSON object a line: one a series, then one for the file", 'j', FLAG(json)},
};

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "FILE...",
    .doc = "What Green Button files hold (XML, also in gzip or ZIP), series by series; needs no "
           "server and no settings.\v"
           "Exit status: 0 every file was well-formed, 1 not every, 2 wrong usage.",
    .most = SIZE_MAX,
    .none = "which files? \"-\" is standard input",
};

int inspect_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {0};
    option_parse(c, &usage, &r, argc, argv);
    return inspect_main(c->arguments, c->argument_count, r.json, stdout);
}
