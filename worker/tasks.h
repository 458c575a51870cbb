/* The tasks of the worker. */
#ifndef METERBEAT_WORKER_TASKS_H
#define METERBEAT_WORKER_TASKS_H

/* Makes them known to task_find; once, before any thread is started. */
void tasks_register(void);

#endif
