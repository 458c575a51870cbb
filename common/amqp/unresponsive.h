/* Queues that did not answer a publish or a consume in time. From then on each is tried alone, so
 * that it does not block others. Pure: no I/O, `now_ms` is monotonic. */
#ifndef METERBEAT_AMQP_UNRESPONSIVE_H
#define METERBEAT_AMQP_UNRESPONSIVE_H

#include <jansson.h>

#include "common/amqp/connection.h"
#include "common/amqp/topology.h"

/* The most that are remembered. */
#define UNRESPONSIVE_MAX 64
/* Delay between two trials of a queue that is known not to answer; grows. */
#define UNRESPONSIVE_FIRST_MS 10000
#define UNRESPONSIVE_LONGEST_MS 300000
#define UNRESPONSIVE_PATIENCE_MS 1000
/* Delay when there is nothing to try it with. */
#define UNRESPONSIVE_IDLE_MS 5000

struct unresponsive_queue {
    char queue[BROKER_QUEUE_NAME];
    int64_t pause_ms; /* delay until the next trial; 0: suspected, not tried alone yet */
    int64_t due_ms;   /* time of the next trial */
};

/* Initialise with {0}. */
struct unresponsive {
    size_t count;
    struct unresponsive_queue queues[UNRESPONSIVE_MAX];
};

/* It, or another one used together with it, did not answer: it is tried alone, at once. If too many
 * are remembered, it is ignored; the next time-out makes it a suspect again. */
void unresponsive_suspect(struct unresponsive *u, const char *queue, int64_t now_ms);
/* It did not answer when it was tried alone. True the first time: worth a log line. */
bool unresponsive_confirm(struct unresponsive *u, const char *queue, int64_t now_ms);
/* It answered. True if it was known not to: worth a log line. */
bool unresponsive_forget(struct unresponsive *u, const char *queue);
bool unresponsive_has(const struct unresponsive *u, const char *queue);
/* There is nothing to try it with, so what arrives for it is tried soon. A suspect is forgotten. */
void unresponsive_idle(struct unresponsive *u, const char *queue, int64_t now_ms);
/* The one to try now, the longest overdue first; NULL: none. Borrowed until the next change. */
const struct unresponsive_queue *unresponsive_due(const struct unresponsive *u, int64_t now_ms);
/* When the next trial is due; INT64_MAX: never. */
int64_t unresponsive_next_ms(const struct unresponsive *u);
/*
 * How long to wait for its answer: for a suspect, which others have waited for before, a third of
 * most_ms; else a tenth of the delay before it, so that the caller is free for nine tenths of its
 * time. At least a second, at most most_ms.
 */
int64_t unresponsive_patience_ms(const struct unresponsive_queue *q, int64_t most_ms);
/* An array of their names; NULL: none, or out of memory. The caller frees it. */
json_t *unresponsive_names(const struct unresponsive *u);

#endif
