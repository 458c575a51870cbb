/* What a command of meterbeatctl is given, and the table of all of them. */
#ifndef METERBEAT_CTL_COMMAND_H
#define METERBEAT_CTL_COMMAND_H

#include <argp.h>
#include <jansson.h>

#include "common/base/err.h"
#include "common/config/program.h"
#include "common/config/settings.h"

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_MISUSED = PROGRAM_MISUSED };

struct ctl {
    struct program_options program;
    struct settings settings; /* once ctl_settings() said true */
    const char **
        arguments; /* after option_parse(): what is no option; as long as argc allows, NULLs behind */
    size_t argument_count;
};

struct command {
    const char *name;
    const char *arguments; /* "TASK [ARGS]" */
    const char *summary;
    int (*run)(struct ctl *c, int argc, char **argv); /* argv[0] is "meterbeatctl NAME" */
};

/* Adding a command is one file and one line in command.c. */
extern const struct command command_table[];
extern const size_t command_count;
const struct command *command_find(const char *name);

/* Loads the settings. False: *ret_status is the exit status, all is said. */
MUST_CHECK bool ctl_settings(struct ctl *c, int *ret_status);
/* "meterbeatctl: what is wrong", and what to do about it, on standard error; returns CTL_FAILED. */
int ctl_fail(const struct err *e);
/* The same for wrong arguments; returns CTL_MISUSED. */
int ctl_misused(const char *format, ...) PRINTF_LIKE(1, 2);
/* One JSON value as a line of standard output, in ASCII: nothing in it can speak to a terminal.
 * Takes the reference. NULL, or no memory: ERR_RETRY "no_memory". */
MUST_CHECK bool ctl_print_json(json_t *value, struct err *e);
/* The same with jansson's flags: JSON_INDENT(2) for people. */
MUST_CHECK bool ctl_print_json_as(json_t *value, size_t flags, struct err *e);

#endif
