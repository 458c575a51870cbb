/* Starts a program: options that all have, settings, log. */
#include "common/config/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/config/clear_text.h"
#include "common/config/password.h"

static void print_version(FILE *out, struct argp_state *state)
{
    text_print(out, "%s (meterbeat) %s\n", state->name, METERBEAT_VERSION);
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0,
     "Settings (default: $METERBEAT_CONFIG, config/meterbeat.conf, /etc/meterbeat/meterbeat.conf)",
     10},
    {"show-config", 'C', NULL, 0, "Print the settings in force, without passwords, and exit", 10},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    struct program_options *o = state->input;
    switch (key) {
    case 'c':
        o->config = argument;
        return 0;
    case 'C':
        o->show_config = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp program_argp = {.options = options, .parser = take_option};
const struct argp_child program_children[] = {{&program_argp, 0, NULL, 0}, {0}};

/* Closed by who started us, their numbers would go to sockets, and log lines into those. */
static void keep_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Neither a dump nor another process of the same user is to find the secrets in our memory. */
static void keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* both cannot fail for less than we have */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void program_parse(const struct argp *argp, unsigned flags, int argc, char **argv, void *input)
{
    keep_memory_private();
    keep_standard_files();
    argp_err_exit_status = PROGRAM_MISUSED;
    argp_program_version_hook = print_version;
    if (argp_parse(argp, argc, argv, flags, NULL, input) != 0)
        exit(PROGRAM_MISUSED); /* only without memory: argp exits by itself otherwise */
}

static void warn_of_clear_text(const struct settings *s)
{
    char lines[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE];
    size_t count = clear_text_warnings(s, lines);
    for (size_t i = 0; i < count; i++)
        log_event(LOG_LEVEL_WARNING, "settings", "text=%s", lines[i]);
}

void program_stop_signals(sigset_t *ret_set)
{
    struct sigaction hangup;
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        (void)sigaddset(ret_set, SIGHUP);
}

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number)
{
    stop_asked = number;
}

const volatile sig_atomic_t *program_catch_stop(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    program_stop_signals(&set);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&set, number) == 1)
            (void)sigaction(number, &action, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return &stop_asked;
}

static bool start_log(const char *program, const struct settings *s)
{
    enum log_level least = LOG_LEVEL_INFO;
    bool known = log_level_parse(s->log_level, &least); /* the table admits no other word */
    log_init(program, least);
    warn_of_clear_text(s);
    return known;
}

bool program_start(const char *program, const struct program_options *o,
                   struct settings *ret_settings, int *ret_status)
{
    struct err e;
    bool loaded = settings_load(settings_path(o->config), ret_settings, &e);
    password_forget_environment();
    if (!loaded) {
        text_print(stderr, "%s: %s\n", program, e.text);
        *ret_status = PROGRAM_MISUSED;
        return false;
    }
    if (o->show_config) {
        settings_show(ret_settings, stdout);
        settings_free(ret_settings);
        *ret_status = fflush(stdout) == 0 ? 0 : PROGRAM_FAILED;
        return false;
    }
    if (!clear_text_check(ret_settings, &e)) {
        text_print(stderr, "%s: %s\n", program, e.text);
        settings_free(ret_settings);
        *ret_status = PROGRAM_MISUSED;
        return false;
    }
    if (!start_log(program, ret_settings)) {
        *ret_status = PROGRAM_MISUSED;
        settings_free(ret_settings);
        return false;
    }
    return true;
}
