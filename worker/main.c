/* meterbeat-worker: takes tasks off RabbitMQ, one at a time, and acknowledges what is done for
 * good. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/config/program.h"
#include "common/http/address.h"
#include "worker/task/task.h"
#include "worker/supervisor.h"
#include "worker/tasks.h"
#include "worker/worker.h"

struct options {
    struct program_options program;
    long processes; /* 0: as configured */
};

static const struct argp_option option_table[] = {
    {"processes", 'n', "N", 0, "Keep N workers running (1 to 256) instead of worker.processes", 0},
    {0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
    struct options *o = state->input;
    char *end = NULL;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->program;
        return 0;
    case 'n':
        o->processes = strtol(value, &end, 10);
        if (*end || o->processes < 1 || o->processes > 256)
            argp_error(state, "--processes must be 1 to 256");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The task table is part of --help: what this worker can be sent. */
static char *help_tasks(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    char *help = NULL;
    size_t size = 0, count;
    const struct task *tasks = task_table(&count);
    FILE *out = open_memstream(&help, &size);
    if (!out)
        return (char *)text;
    text_print(out, "Tasks:\n");
    for (size_t i = 0; i < count; i++)
        text_print(out, "  %-20s %s\n", tasks[i].name, tasks[i].summary);
    text_print(
        out,
        "\nSIGTERM, SIGINT, SIGHUP: finish and exit; a second one: stop at the next safe point. "
        "Exit status: 0 stopped, 2 configuration, 3 cannot go on, 4 a task hung.");
    fclose(out);
    return help;
}

static const struct argp argp = {
    .options = option_table,
    .parser = take_option,
    .doc = "Takes tasks off RabbitMQ, one at a time, and acknowledges what is done for good.\v ",
    .children = program_children,
    .help_filter = help_tasks,
};

int main(int argc, char **argv)
{
    struct options options = {0};
    struct settings settings;
    struct err e;
    int status;
    tasks_register();
    program_parse(&argp, 0, argc, argv, &options);
    if (!program_start("meterbeat-worker", &options.program, &settings, &status))
        return status;
    if (!address_list_check(settings.feed.allow_addresses, &e) ||
        !address_ports_check(settings.feed.allow_ports, &e)) {
        text_print(stderr, "meterbeat-worker: %s\n", e.text);
        settings_free(&settings);
        return PROGRAM_MISUSED;
    }
    if (options.processes)
        settings.worker.processes = options.processes;
    worker_block_signals();
    status = settings.worker.processes > 1 ? supervisor_run(&settings) : worker_run(&settings, 1);
    if (status == WORKER_EXIT_ASKED)
        status = WORKER_EXIT_OK;
    settings_free(&settings);
    return status;
}
