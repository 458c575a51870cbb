/* When to connect again: growing pauses with full jitter, so that a fleet does not come back at
 * once. */
#ifndef METERBEAT_BASE_BACKOFF_H
#define METERBEAT_BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Instants: monotonic milliseconds. */
struct redial {
    int64_t max_ms;
    int64_t due_ms;
    int64_t pause_ms;     /* the longest the next pause may be */
    int64_t connected_ms; /* since when; 0: not */
};

/* Due at once. */
struct redial redial_make(int64_t max_ms);
bool redial_due(const struct redial *r, int64_t now_ms);
/* Milliseconds until then, at least 0. */
int64_t redial_in(const struct redial *r, int64_t now_ms);
void redial_succeeded(struct redial *r, int64_t now_ms);
/* It failed or was lost: the pause drawn, 0.5 s or more. A connection that held for a while starts
 * afresh. */
int64_t redial_later(struct redial *r, int64_t now_ms);

#endif
