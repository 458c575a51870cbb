/* A failure as a value; its kind alone decides what becomes of a task. */
#ifndef METERBEAT_BASE_ERR_H
#define METERBEAT_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

enum err_kind {
    ERR_NONE,
    ERR_RETRY,  /* may pass by itself: the task goes to a retry queue */
    ERR_REJECT, /* will fail the same way for ever: dead at once, with the reason */
    ERR_FATAL,  /* this process cannot go on (configuration, version): it stops, nothing is
                   acknowledged */    /* The rest is no failure of the task; outside (logs, tables) they read as the nearest above. */
    ERR_NOT_NOW,        /* it cannot do its work yet: again after about retry_after_s */
    ERR_STOPPING,       /* the process stops: given up at a safe point, delivered again */
    ERR_LEASE_LOST,     /* another worker holds the run by now: that one goes on */
    ERR_REVOKED,        /* a person or its expiry says that it is not to run (any more) */
    ERR_COMMIT_UNKNOWN, /* the answer to COMMIT was lost: look whether it happened */
};

/*
 * code is one stable word for machines and tests ("http_status", "not_xml"), text one line for
 * people, with the place in it and without secrets. Longer texts are cut.
 */
struct err {
    enum err_kind kind;
    int32_t retry_after_s; /* what the peer asked for (Retry-After); 0 = nothing */
    char code[32];
    char text[512];
    char detail[256]; /* for the log alone: what the one whose data caused it is not told; "" */
};

/* Fills *e; always returns false, so that a function can `return err_set(...)`. e may be NULL. */
bool err_set(struct err *e, enum err_kind kind, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The detail of what err_set has filled: addresses, a peer's own words. Returns false. */
bool err_detail(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* Puts "what: " before the text, going up the call chain; kind and code stay. Returns false. */
bool err_wrap(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
#ifdef METERBEAT_ANALYSIS /* ./dev check: an analyzer of one file cannot see that these say no */
#define err_set(...) (err_set(__VA_ARGS__), false)
#define err_detail(...) (err_detail(__VA_ARGS__), false)
#define err_wrap(...) (err_wrap(__VA_ARGS__), false)
#endif
/* "retry", "reject", "fatal" or "none": what logs and tables say. */
const char *err_kind_name(enum err_kind kind);

#endif
