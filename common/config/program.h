/* Common start of every program: --config, --show-config, the settings, the log. */
#ifndef METERBEAT_CONFIG_PROGRAM_H
#define METERBEAT_CONFIG_PROGRAM_H

#include <argp.h>
#include <signal.h>
#include <stdbool.h>

#include "common/base/attr.h"
#include "common/config/settings.h"

#define PROGRAM_FAILED 1
#define PROGRAM_MISUSED 2 /* usage or configuration error: also the exit status for wrong options */

struct program_options {
    const char *config; /* NULL: settings_path() decides */
    bool show_config;
};

/* An argp child with --config FILE and --show-config; its input is a struct program_options. */
extern const struct argp program_argp;
/* For argp.children of a parser without other children; its ARGP_KEY_INIT passes a struct
 * program_options on. */
extern const struct argp_child program_children[];

/* argp_parse with --help, --version and --usage; wrong options end the program with exit status 2.
 * Call it first in main(). */
void program_parse(const struct argp *argp, unsigned flags, int argc, char **argv, void *input);
/* Loads the settings, handles --show-config and sets up the log. True: continue. False: *ret_status
 * is the program's exit status, and everything has been reported. */
MUST_CHECK bool program_start(const char *program, const struct program_options *o,
                              struct settings *ret_settings, int *ret_status);

/* The signals that request an orderly stop: SIGTERM, SIGINT, and SIGHUP (the terminal was closed)
 * unless our parent had it ignored, as nohup does. */
void program_stop_signals(sigset_t *ret_set);
/* For single-threaded programs: the first such signal sets the flag to its number, the second ends
 * the process at once. SIGPIPE is ignored. */
const volatile sig_atomic_t *program_catch_stop(void);

#endif
