/* A delivery as remote control shows it: Celery's description of a task. */
#ifndef METERBEAT_WORKER_TASK_INFO_H
#define METERBEAT_WORKER_TASK_INFO_H

#include <jansson.h>

#include "worker/runtime/state.h"

/* What one answer may cost: bodies beyond it are shown as the sender's text for them. */
struct task_info_limits {
    const struct settings *settings;
    const char *node;
    size_t bodies_left; /* bytes that may still be decoded */
};
#define TASK_INFO_BODIES (1024UL * 1024)

/* safe: arguments as text, not as values. New; NULL: no memory. */
json_t *task_info(const struct state_entry *entry, struct task_info_limits *limits, bool safe);
/* The task id, cut to 255 bytes; "" when the message cannot be read. */
void task_info_id(const struct state_entry *entry, struct task_info_limits *limits, char id[256]);

#endif
