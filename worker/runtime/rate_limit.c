/* How often a task may start: Celery's "10/m" as a token bucket that holds one token. */
#include "worker/runtime/rate_limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MAX_MS (7.0 * 86400 * 1000)

enum rate_fault rate_limit_parse(const char *text, double *ret_per_s)
{
    *ret_per_s = 0;
    if (!text[0])
        return RATE_OK;
    size_t number = strcspn(text, "/");
    if (number == 0 || strspn(text, "0123456789.eE+-_ ") < number)
        return RATE_NO_NUMBER; /* strtod takes more than Python's float() does */
    char *end;
    double starts = strtod(text, &end);
    if (end != text + number || !isfinite(starts))
        return RATE_NO_NUMBER;
    const char *unit = text[number] ? text + number + 1 : "s";
    if (strcmp(unit, "") != 0 && strcmp(unit, "s") != 0 && strcmp(unit, "m") != 0 &&
        strcmp(unit, "h") != 0)
        return RATE_NO_UNIT;
    double seconds = *unit == 'm' ? 60 : *unit == 'h' ? 3600 : 1;
    *ret_per_s = starts > 0 ? starts / seconds : 0;
    return RATE_OK;
}

struct rate_limit rate_limit_make(double per_s, int64_t now_ms)
{
    return (struct rate_limit){.per_s = per_s, .tokens = 1, .at_ms = now_ms};
}

int64_t rate_limit_take(struct rate_limit *r, int64_t now_ms)
{
    if (r->per_s <= 0)
        return 0;
    double gained = r->per_s * (double)(now_ms - r->at_ms) / 1000;
    r->tokens = r->tokens + gained < 1 ? r->tokens + gained : 1;
    r->at_ms = now_ms;
    if (r->tokens >= 1 - 1e-9) {
        r->tokens = 0;
        return 0;
    }
    double wait_ms = ceil((1 - r->tokens) / r->per_s * 1000);
    return wait_ms < WAIT_MAX_MS ? (int64_t)wait_ms : (int64_t)WAIT_MAX_MS;
}
