/* meterbeat-producer: fires the schedule. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/config/program.h"
#include "producer/producer.h"

struct options {
    struct program_options program;
    const char *once;
};

static const struct argp_option option_table[] = {
    {"once", 'o', "ENTRY", 0, "Fire this schedule entry now, whatever its interval, and exit", 0},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->program;
        return 0;
    case 'o':
        o->once = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = take_option,
    .doc = "Put tasks on RabbitMQ by the schedule; any number of producers may run at once.\v"
           "SIGTERM, SIGINT or SIGHUP ends it in order. Exit status: 0 done, 1 failed, 2 wrong "
           "usage or "
           "configuration.",
    .children = program_children,
};

static int run(const struct settings *settings, const char *once, const volatile sig_atomic_t *stop)
{
    struct err e = {0};
    struct producer *producer;
    if (!producer_new(settings, &producer, &e)) {
        log_error(LOG_LEVEL_ERROR, "schedule_refused", &e);
        return PROGRAM_MISUSED;
    }
    bool ok = once ? producer_once(producer, once, &e) : producer_run(producer, stop, &e);
    if (!ok)
        log_error(LOG_LEVEL_ERROR, once ? "not_fired" : "cannot_go_on", &e);
    producer_free(producer);
    return ok ? EXIT_SUCCESS : PROGRAM_FAILED;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    program_parse(&argp, 0, argc, argv, &o);
    struct settings settings CLEANUP(settings_free) = {0};
    int status;
    if (!program_start("meterbeat-producer", &o.program, &settings, &status))
        return status;
    /* the second signal ends the process at once: nothing of it is lost, another start goes on */
    return run(&settings, o.once, program_catch_stop());
}
