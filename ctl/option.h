/* The options of a command: a row each says what --help tells of it and which member of the command's request it fills;
 * one parser reads them all. */
#ifndef METERBEAT_CTL_OPTION_H
#define METERBEAT_CTL_OPTION_H

#include <stddef.h>

#include "ctl/command.h"

enum option_kind {
    OPTION_FLAG,   /* a bool: true where the option is given */
    OPTION_TEXT,   /* a const char *: borrowed from the command line */
    OPTION_NUMBER, /* an int64_t from 1 to `most` */
};

struct option_row {
    const char *name, *argument, *help;
    int letter; /* 0: none */
    int group;  /* of --help: options are sorted within theirs */
    enum option_kind kind;
    size_t offset; /* of the member */
    int64_t most;  /* 0: as large as an int64_t can be */
};

/* The member of struct request that a row fills. */
#define FLAG(member) .kind = OPTION_FLAG, .offset = offsetof(struct request, member)
#define TEXT(member) .kind = OPTION_TEXT, .offset = offsetof(struct request, member)
#define NUMBER(member, largest)                                                                    \
    .kind = OPTION_NUMBER, .offset = offsetof(struct request, member), .most = (largest)

struct usage {
    const struct option_row *options;
    size_t count;
    const char *arguments;    /* of --help: "FILE..."; a line each for several ways */
    const char *doc;          /* of --help: what stands before \v, and behind it */
    size_t most;              /* arguments; more are wrong usage */
    const char *none;         /* told when there is no argument; NULL: there may be none */
    char *(*more_help)(void); /* behind doc; malloc's */
    /* Tells by argp_error what else is wrong, once all is read; NULL: nothing can be. */
    void (*check)(const struct ctl *c, void *request, const struct argp_state *state);
};

/* No more rows than OPTION_ROWS, or it does not compile. */
#define OPTION_ROWS 24
#define USAGE_OPTIONS(rows)                                                                        \
    .options = (rows),                                                                             \
    .count = ARRAY_LEN(rows) + 0 * sizeof(char[ARRAY_LEN(rows) <= OPTION_ROWS ? 1 : -1])

/*
 * Fills request (the command's own, with its defaults), c->program and c->arguments. Ends the program by itself:
 * --help, --usage and --version with exit status 0, wrong usage with 2.
 */
void option_parse(struct ctl *c, const struct usage *usage, void *request, int argc, char **argv);
/* text as a number from 1 to most (0: any); argp_error, "WHAT must be ...", when it is not. */
int64_t option_number(const struct argp_state *state, const char *what, const char *text,
                      int64_t most);

#endif
