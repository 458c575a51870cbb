/* A bar on standard error for what takes longer than a second; nothing where that is no terminal.
 */
#ifndef METERBEAT_CTL_PROGRESS_H
#define METERBEAT_CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_LINE 200

struct progress {
    const char *what; /* "audit", a file's name; borrowed */
    int64_t total;    /* 0: not known, no bar */
    int64_t done;
    char note[80]; /* what it is at, after the bar */
    int64_t started_ms, drawn_ms;
    bool is_shown; /* standard error is a terminal */
    bool is_drawn; /* a line stands there now */
};

void progress_begin(struct progress *p, const char *what, int64_t total);
/* So much is done; note NULL: as before. Draws at most ten times a second. */
void progress_at(struct progress *p, int64_t done, const char *note);
/* Takes the line away, before something else is printed; the next progress_at draws it again. */
void progress_clear(struct progress *p);
/* The line as it would be drawn, of at most `width` columns. Pure. Returns out. */
const char *progress_line(const struct progress *p, size_t width, char out[PROGRESS_LINE]);

#endif
