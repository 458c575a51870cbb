/* meterbeatctl: everything that a person does by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/base/text.h"
#include "ctl/command.h"

struct request {
    struct ctl ctl;
    bool document;
    int argc; /* from the command's name on */
    char **argv;
};

static const struct argp_option options[] = {
    {"document-config", 'D', NULL, 0, "Print docs/settings.md and exit", 10},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct request *r = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &r->ctl.program;
        return 0;
    case 'D':
        r->document = true;
        return 0;
    case ARGP_KEY_ARGS: /* the command, and what is its own */
        r->argv = state->argv + state->next;
        r->argc = state->argc - state->next;
        state->next = state->argc;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *list_commands(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fputs("Commands (each has --help):\n", out);
    for (size_t i = 0; i < command_count; i++) {
        char left[80];
        snprintf(left, sizeof left, "%s %s", command_table[i].name, command_table[i].arguments);
        text_print(out, "  %-35s%s\n", left, command_table[i].summary);
    }
    fputs("\nExit status: 0 done, 1 failed, 2 wrong usage or configuration.", out);
    fclose(out);
    return text;
}

static char *add_to_help(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_POST_DOC ? list_commands() : (char *)text;
}

static const struct argp argp = {
    .options = options,
    .parser = take_option,
    .args_doc = "COMMAND [ARGUMENT...]",
    .doc = "Set up, look after and ask meterbeat.\v ",
    .children = program_children,
    .help_filter = add_to_help,
};

/* The command's own parser calls itself "meterbeatctl NAME". */
static int run_command(struct request *r)
{
    const struct command *command = command_find(r->argv[0]);
    if (!command)
        return ctl_misused("no command \"%.60s\"; meterbeatctl --help lists them", r->argv[0]);
    char name[80];
    snprintf(name, sizeof name, "meterbeatctl %s", command->name);
    r->argv[0] = name;
    return command->run(&r->ctl, r->argc, r->argv);
}

/* --document-config and --show-config need no command. */
static int run_without_command(struct request *r)
{
    int status = CTL_OK;
    if (r->document)
        settings_document(stdout);
    else if (!r->ctl.program.show_config)
        return ctl_misused("which command? meterbeatctl --help lists them");
    else if (ctl_settings(&r->ctl, &status))
        status = CTL_FAILED; /* --show-config always ends it */
    return status;
}

int main(int argc, char **argv)
{
    struct request r = {0};
    program_parse(&argp, ARGP_IN_ORDER, argc, argv, &r);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return CTL_FAILED;
    int status = r.argc > 0 ? run_command(&r) : run_without_command(&r);
    settings_free(&r.ctl.settings);
    free(r.ctl.arguments);
    curl_global_cleanup();
    if (fflush(stdout) != 0 && status == CTL_OK)
        status = CTL_FAILED;
    return status;
}
