/* The producer: what is due goes to PostgreSQL as a promise, and from there to RabbitMQ. */
#ifndef METERBEAT_PRODUCER_PRODUCER_H
#define METERBEAT_PRODUCER_PRODUCER_H

#include <signal.h>

#include "common/config/settings.h"

struct producer; /* one thread */

/* Connects to nothing yet; borrows s. False: ERR_FATAL, a schedule entry is wrong (name and line).
 */
MUST_CHECK bool producer_new(const struct settings *s, struct producer **ret_producer,
                             struct err *e);
void producer_free(struct producer *p);
/*
 * Fires the schedule until *stop. Servers that are away are waited for, for ever. False: ERR_FATAL,
 * a server refused us before it ever took us (credentials, missing tables).
 */
MUST_CHECK bool producer_run(struct producer *p, const volatile sig_atomic_t *stop, struct err *e);
/*
 * Fires one entry now, whatever its schedule says, and waits until the broker has its message; its
 * message never expires and its schedule goes on as before. False: ERR_FATAL "no_entry", or what
 * failed.
 */
MUST_CHECK bool producer_once(struct producer *p, const char *entry, struct err *e);

#endif
