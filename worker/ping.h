/* Tasks without effects: to see that workers are alive and that messages arrive as they were sent.
 */
#ifndef METERBEAT_WORKER_PING_H
#define METERBEAT_WORKER_PING_H

#include "worker/task/task.h"

/* Returns "pong", whatever the arguments. */
bool ping_perform(struct task_context *t, json_t **ret_result, struct err *e);
/* Returns {"args": …, "kwargs": …} as they arrived. */
bool echo_perform(struct task_context *t, json_t **ret_result, struct err *e);
/* args: [seconds], 0 to 3600. Does nothing for so long; to see heartbeats, stops and time limits at
 * work. */
bool sleep_perform(struct task_context *t, json_t **ret_result, struct err *e);

#endif
