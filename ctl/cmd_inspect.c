/* `inspect`: what Green Button files hold, series by series, without any server. */
#include <stdlib.h>

#include "ctl/commands.h"
#include "ctl/inspect.h"

struct inspect {
    struct ctl *ctl;
    bool json;
    const char **files;
    size_t count;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "One JSON object a line: one a series, then one for the file", 0},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct inspect *i = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &i->ctl->program;
        return 0;
    case 'j':
        i->json = true;
        return 0;
    case ARGP_KEY_ARG:
        i->files[i->count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which files? \"-\" is standard input");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = take_option,
    .args_doc = "FILE...",
    .doc = "What Green Button files hold (XML, also in gzip or ZIP), series by series; needs no "
           "server "
           "and no "
           "settings.\v"
           "Exit status: 0 every file was well-formed, 1 not every, 2 wrong usage.",
    .children = program_children,
};

int inspect_run(struct ctl *c, int argc, char **argv)
{
    struct inspect i = {.ctl = c, .files = calloc((size_t)argc, sizeof *i.files)};
    if (!i.files)
        return CTL_FAILED;
    program_parse(&argp, 0, argc, argv, &i);
    int status = inspect_main(i.files, i.count, i.json, stdout);
    free(i.files);
    return status;
}
