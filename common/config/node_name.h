/* A worker's node name: for the broker, in PostgreSQL, and for Celery's tools. */
#ifndef METERBEAT_CONFIG_NODE_NAME_H
#define METERBEAT_CONFIG_NODE_NAME_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* Followed by ".<broker.control_exchange>.pidbox" it must still fit an AMQP name. */
#define NODE_NAME_MAX 180

/* The values that a pattern is filled with. */
struct node {
    const char *host;
    int pid;
    int index; /* among the processes of one program, from 1 */
};

/* NULL if it is a valid pattern: text with an "@", and after "%" only h (host), p (process id), i
 * (index) or "%"; else why not. Pure. */
const char *node_name_fault(const char *pattern);
/* False: ERR_FATAL "bad_name": longer than NODE_NAME_MAX. Pure. */
MUST_CHECK bool node_name_make(const char *pattern, const struct node *node,
                               char out[NODE_NAME_MAX + 1], struct err *e);

#endif
