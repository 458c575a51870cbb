/* Reconnect backoff: growing delays with full jitter, so that a fleet does not reconnect at
 * once. */
#ifndef METERBEAT_BASE_BACKOFF_H
#define METERBEAT_BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Instants: monotonic milliseconds. */
struct backoff {
    int64_t max_ms;
    int64_t due_ms;
    int64_t pause_ms;     /* upper bound of the next delay */
    int64_t connected_ms; /* since when it has been connected; 0: not */
};

/* A new one: due at once. */
struct backoff backoff_make(int64_t max_ms);
bool backoff_due(const struct backoff *r, int64_t now_ms);
/* Milliseconds until it is due, at least 0. */
int64_t backoff_in(const struct backoff *r, int64_t now_ms);
void backoff_succeeded(struct backoff *r, int64_t now_ms);
/* The attempt failed, or the connection was lost: returns the drawn delay, 0.5 s or more. After a
 * connection that lasted for a while, delays start small again. */
int64_t backoff_later(struct backoff *r, int64_t now_ms);

#endif
