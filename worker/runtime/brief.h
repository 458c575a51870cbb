/* Brief tasks, performed where their delivery arrives: no thread has to wake for microseconds. */
#ifndef METERBEAT_WORKER_RUNTIME_BRIEF_H
#define METERBEAT_WORKER_RUNTIME_BRIEF_H

#include <stdbool.h>

#include "common/config/settings.h"
#include "common/amqp/message.h"

/* What a brief task left to be sent before its delivery is acknowledged; owned. */
struct brief_reply {
    char *to; /* a queue; NULL: nobody waits for a result */
    struct envelope result;
};

/*
 * Performs the message's task if it is marked brief, is small, and nothing stands against it. True:
 * done, to be acknowledged, after its reply if there is one. False: nothing has happened; the
 * executor finds out what to do with it. I/O thread, while the executor is idle: a worker does one
 * task at a time.
 */
bool brief_perform(const struct settings *s, const struct envelope *v,
                   struct brief_reply *ret_reply);

#endif
