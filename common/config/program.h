/* What the start of every program has in common: --config, --show-config, the settings, the log. */
#ifndef METERBEAT_CONFIG_PROGRAM_H
#define METERBEAT_CONFIG_PROGRAM_H

#include <argp.h>
#include <signal.h>
#include <stdbool.h>

#include "common/base/attr.h"
#include "common/config/settings.h"

#define PROGRAM_FAILED 1
#define PROGRAM_MISUSED 2 /* usage or configuration: exit status of wrong options too */

struct program_options {
    const char *config; /* NULL: settings_path() decides */
    bool show_config;
};

/* --config FILE and --show-config, to be a child of the program's own argp; its input is a struct
 * program_options. */
extern const struct argp program_argp;
/* For argp.children of a parser that has no other; its ARGP_KEY_INIT hands a struct program_options
 * on. */
extern const struct argp_child program_children[];

/*
 * argp_parse with --help, --version and --usage, wrong options ending the program with exit status
 * 2. Call it first in main().
 */
void program_parse(const struct argp *argp, unsigned flags, int argc, char **argv, void *input);
/*
 * Loads the settings; --show-config is answered here, and the log is set up. True: go on. False:
 * *ret_status is the program's exit status, all is said.
 */
MUST_CHECK bool program_start(const char *program, const struct program_options *o,
                              struct settings *ret_settings, int *ret_status);

/*
 * The signals that ask for an orderly end: SIGTERM, SIGINT, and SIGHUP (a terminal that went away)
 * unless whoever started us had it ignored, as nohup does.
 */
void program_stop_signals(sigset_t *ret_set);
/* For programs with one thread: the first of them sets the flag to its number, the second ends the
 * process at once. SIGPIPE is ignored. */
const volatile sig_atomic_t *program_catch_stop(void);

#endif
