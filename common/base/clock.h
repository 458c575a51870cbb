/* The two clocks, read at the edges only: pure code receives `now`. */
#ifndef METERBEAT_BASE_CLOCK_H
#define METERBEAT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Wall clock, milliseconds since 1970-01-01T00:00:00Z. May step either way. Any thread. */
int64_t clock_wall_ms(void);
/* Monotonic clock, milliseconds from an arbitrary start: for waits and deadlines. Any thread. */
int64_t clock_mono_ms(void);
/* An instant of either clock, or a duration, as system calls take it. */
struct timespec clock_timespec(int64_t ms);
/* Writes "2026-03-08T06:59:00Z" (whole seconds) to text[21+]; returns text. */
#define CLOCK_TEXT 32
const char *clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT]);

#endif
