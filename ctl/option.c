/* Reads the command line of a command, as its rows of options say. */
#include "ctl/option.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ARGUMENTS_ROOM 4 /* NULLs behind the arguments: a command looks at so many */
#define KEY_FIRST 256    /* of options without a letter: no character */

struct parsing {
    struct ctl *ctl;
    const struct usage *usage;
    void *request;
};

static int key_of(const struct usage *usage, size_t i)
{
    return usage->options[i].letter ? usage->options[i].letter : KEY_FIRST + (int)i;
}

int64_t option_number(const struct argp_state *state, const char *what, const char *text,
                      int64_t most)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool is_number = end != text && !*end && errno == 0 && value >= 1;
    if (most > 0 && !(is_number && value <= most))
        argp_error(state, "%s must be a number from 1 to %" PRId64, what, most);
    else if (!is_number)
        argp_error(state, "%s must be a number above 0", what);
    return value;
}

static error_t take_option(const struct parsing *p, int key, const char *argument,
                           const struct argp_state *state)
{
    const struct option_row *row = NULL;
    for (size_t i = 0; i < p->usage->count; i++)
        if (key_of(p->usage, i) == key)
            row = &p->usage->options[i];
    if (!row)
        return ARGP_ERR_UNKNOWN;
    void *member = (char *)p->request + row->offset;
    if (row->kind == OPTION_FLAG)
        *(bool *)member = true;
    else if (row->kind == OPTION_TEXT)
        *(const char **)member = argument;
    else
        *(int64_t *)member = option_number(state, row->argument, argument, row->most);
    return 0;
}

static error_t take(int key, char *argument, struct argp_state *state)
{
    struct parsing *p = state->input;
    struct ctl *c = p->ctl;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &c->program;
        return 0;
    case ARGP_KEY_ARG:
        if (c->argument_count == p->usage->most)
            return ARGP_ERR_UNKNOWN;
        c->arguments[c->argument_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (p->usage->none)
            argp_error(state, "%s", p->usage->none);
        return 0;
    case ARGP_KEY_END:
        if (p->usage->check)
            p->usage->check(c, p->request, state);
        return 0;
    default:
        return take_option(p, key, argument, state);
    }
}

static char *add_to_help(int key, const char *text, void *input)
{
    const struct parsing *p = input;
    bool is_end = key == ARGP_KEY_HELP_POST_DOC && p && p->usage->more_help;
    return is_end ? p->usage->more_help() : (char *)text;
}

void option_parse(struct ctl *c, const struct usage *usage, void *request, int argc, char **argv)
{
    struct argp_option options[OPTION_ROWS + 1] = {0};
    struct parsing parsing = {.ctl = c, .usage = usage, .request = request};
    /* glibc forgets to free what it allocates for a table without rows */
    const struct argp argp = {.options = usage->count > 0 ? options : NULL,
                              .parser = take,
                              .args_doc = usage->arguments,
                              .doc = usage->doc,
                              .children = program_children,
                              .help_filter = add_to_help};
    for (size_t i = 0; i < usage->count; i++)
        options[i] = (struct argp_option){.name = usage->options[i].name,
                                          .key = key_of(usage, i),
                                          .arg = usage->options[i].argument,
                                          .doc = usage->options[i].help,
                                          .group = usage->options[i].group};
    c->arguments = calloc((size_t)argc + ARGUMENTS_ROOM, sizeof *c->arguments);
    if (!c->arguments)
        exit(CTL_FAILED);
    program_parse(&argp, 0, argc, argv, &parsing);
}
