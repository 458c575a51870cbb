/* `schedule import`: a Python Celery application's schedule as settings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "ctl/cmd_beat_import.h"
#include "ctl/commands.h"
#include "ctl/option.h"

#define DUMP_MAX ((size_t)8 * 1024 * 1024)

static void check(const struct ctl *c, void *request, const struct argp_state *state)
{
    (void)request;
    if (c->argument_count != 2 || strcmp(c->arguments[0], "import") != 0)
        argp_error(state, "schedule import FILE; \"-\" is standard input");
}

static const struct usage usage = {
    .arguments = "import FILE",
    .doc = "Print the schedule of a Celery application as settings. FILE is its dump, which a few "
           "lines of Python make (docs/from-celery.md); \"-\" is standard input. Needs no server "
           "and no settings.\v"
           "Comments say what could not be carried over.\n"
           "Exit status: 0 all was carried over, 1 not all, 2 wrong usage.",
    .most = 2,
    .check = check,
};

/* At most DUMP_MAX bytes, as jansson reads them. */
struct source {
    FILE *file;
    size_t left;
};

static size_t read_some(void *buffer, size_t size, void *data)
{
    struct source *s = data;
    size_t n = fread(buffer, 1, size < s->left ? size : s->left, s->file);
    s->left -= n;
    return n;
}

static json_t *read_dump(const char *name, struct err *e)
{
    bool standard = strcmp(name, "-") == 0;
    struct source s = {.file = standard ? stdin : fopen(name, "re"), .left = DUMP_MAX};
    if (!s.file) {
        (void)err_set(e, ERR_REJECT, "no_file", "%s: %s", name, strerror(errno));
        return NULL;
    }
    json_error_t why;
    json_t *dump = json_load_callback(read_some, &s, JSON_REJECT_DUPLICATES, &why);
    if (!dump)
        (void)err_set(e, ERR_REJECT, "bad_dump", "%s:%d: no JSON: %s", name, why.line, why.text);
    if (!dump && s.left == 0)
        (void)err_set(e, ERR_REJECT, "bad_dump", "%s: more than %zu bytes", name, DUMP_MAX);
    if (!standard)
        fclose(s.file);
    return dump;
}

int schedule_run(struct ctl *c, int argc, char **argv)
{
    struct beat_import count = {0};
    struct err e = {0};
    option_parse(c, &usage, NULL, argc, argv);
    json_t *dump = read_dump(c->arguments[1], &e);
    bool ok = dump && beat_import(dump, stdout, &count, &e);
    json_decref(dump);
    if (!ok)
        return ctl_fail(&e);
    if (count.lost == 0)
        return CTL_OK;
    fflush(stdout);
    text_print(stderr, "meterbeatctl: of %zu entries not all was carried over: see the comments\n",
               count.entries);
    return CTL_FAILED;
}
