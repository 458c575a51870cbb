/* A bar on standard error for what takes longer than a second; nothing where that is no terminal.
 */
#include "ctl/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/table.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 100
#define PROGRESS_BAR 30
#define PROGRESS_WIDTH 80

void progress_begin(struct progress *p, const char *what, int64_t total)
{
    *p = (struct progress){.what = what,
                           .total = total,
                           .started_ms = clock_mono_ms(),
                           .is_shown = isatty(STDERR_FILENO) == 1};
}

static int64_t progress_share(const struct progress *p, int64_t of)
{
    int64_t done = p->done < 0 ? 0 : p->done < p->total ? p->done : p->total;
    return (int64_t)((double)done / (double)p->total * (double)of);
}

/* Whole characters only, and no more columns than there are. */
static void progress_cut(char *line, size_t width)
{
    while (*line) {
        if (((unsigned char)*line & 0xC0) != 0x80 && width-- == 0)
            *line = '\0';
        else
            line++;
    }
}

const char *progress_line(const struct progress *p, size_t width, char out[PROGRESS_LINE])
{
    char bar[PROGRESS_BAR + 1];
    if (p->total > 0) {
        int filled = (int)progress_share(p, PROGRESS_BAR);
        memset(bar, '.', PROGRESS_BAR);
        memset(bar, '#', (size_t)filled);
        bar[PROGRESS_BAR] = '\0';
        snprintf(out, PROGRESS_LINE, "%.40s [%s] %3d%%%s%s", p->what, bar,
                 (int)progress_share(p, 100), p->note[0] ? "  " : "", p->note);
    } else {
        snprintf(out, PROGRESS_LINE, "%.40s  %s", p->what, p->note);
    }
    progress_cut(text_clean(out), width);
    return out;
}

static size_t progress_width(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? (size_t)size.ws_col - 1 : PROGRESS_WIDTH;
}

void progress_at(struct progress *p, int64_t done, const char *note)
{
    char line[PROGRESS_LINE];
    int64_t now_ms = clock_mono_ms();
    p->done = done;
    if (note)
        snprintf(p->note, sizeof p->note, "%s", note);
    if (!p->is_shown || now_ms - p->started_ms < PROGRESS_AFTER_MS ||
        now_ms - p->drawn_ms < PROGRESS_EVERY_MS)
        return;
    p->drawn_ms = now_ms;
    p->is_drawn = true;
    text_print(stderr, "\r\033[K%s", progress_line(p, progress_width(), line));
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->is_drawn)
        fputs("\r\033[K", stderr);
    p->is_drawn = false;
}
