/* Queues that did not answer in time, a publish or a consumer: from then on each is tried alone, so
 * that it holds up no other. Pure: no I/O, `now_ms` is monotonic. */
#ifndef METERBEAT_AMQP_UNRESPONSIVE_H
#define METERBEAT_AMQP_UNRESPONSIVE_H

#include <jansson.h>

#include "common/amqp/connection.h"

/* At most so many are remembered. */
#define UNRESPONSIVE_MAX 64
/* Between two trials of a queue that is known not to answer: growing. */
#define UNRESPONSIVE_FIRST_MS 10000
#define UNRESPONSIVE_LONGEST_MS 300000
#define UNRESPONSIVE_PATIENCE_MS 1000
/* Between two looks whether there is something to try it with. */
#define UNRESPONSIVE_IDLE_MS 5000

struct unresponsive_queue {
    char queue[BROKER_QUEUE_NAME];
    int64_t pause_ms; /* until the next trial; 0: a suspect, it has not been tried alone yet */
    int64_t due_ms;   /* when it is tried again */
};

/* {0} to begin with. */
struct unresponsive {
    size_t count;
    struct unresponsive_queue queues[UNRESPONSIVE_MAX];
};

/* It, or another that was asked with it, did not answer: it is tried alone, at once. When
 * too many are remembered already it is not: the next time-out makes it a suspect again. */
void unresponsive_suspect(struct unresponsive *u, const char *queue, int64_t now_ms);
/* It did not answer although it was tried alone. True the first time: worth a line in the log. */
bool unresponsive_confirm(struct unresponsive *u, const char *queue, int64_t now_ms);
/* It answered. True when it was known not to: worth a line in the log. */
bool unresponsive_forget(struct unresponsive *u, const char *queue);
bool unresponsive_has(const struct unresponsive *u, const char *queue);
/* There is nothing to try it with: what comes for it is tried soon. A suspect is forgotten. */
void unresponsive_idle(struct unresponsive *u, const char *queue, int64_t now_ms);
/* The one to try now, the longest due first; NULL: none. Borrowed until the next change. */
const struct unresponsive_queue *unresponsive_due(const struct unresponsive *u, int64_t now_ms);
/* When the next is due; INT64_MAX: never. */
int64_t unresponsive_next_ms(const struct unresponsive *u);
/* How long to wait for its answer: a third of most_ms for a suspect, which was waited for with
 * others before; else a tenth of the pause before it, so that whoever waits is free nine tenths of
 * its time. A second at least, most_ms at most. */
int64_t unresponsive_patience_ms(const struct unresponsive_queue *q, int64_t most_ms);
/* Their names, an array; NULL: there are none, or no memory. Caller frees. */
json_t *unresponsive_names(const struct unresponsive *u);

#endif
