/* The name a worker goes by: to the broker, in the books, and to Celery's tools as a node. */
#ifndef METERBEAT_CONFIG_NODE_NAME_H
#define METERBEAT_CONFIG_NODE_NAME_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* With ".<broker.control_exchange>.pidbox" behind it, it must still fit an AMQP name. */
#define NODE_NAME_MAX 180

/* What a pattern is filled with. */
struct node {
    const char *host;
    int pid;
    int index; /* among the processes of one call, from 1 */
};

/* NULL when it may be a pattern: text with an "@", and of the signs after "%" only h (host), p
 * (process id), i (index) and another "%"; else why not. Pure. */
const char *node_name_fault(const char *pattern);
/* False: ERR_FATAL "bad_name": it gets longer than NODE_NAME_MAX. Pure. */
MUST_CHECK bool node_name_make(const char *pattern, const struct node *node,
                               char out[NODE_NAME_MAX + 1], struct err *e);

#endif
