/* The two clocks, read at the edges only: pure code is handed `now`. */
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

struct timespec clock_timespec(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

const char *clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT])
{
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0);
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
        snprintf(text, CLOCK_TEXT, "%llds", (long long)seconds);
    return text;
}
