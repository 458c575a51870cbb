/* The table of remote control's commands: adding one is a function and a line. */
#ifndef METERBEAT_WORKER_CONTROL_COMMAND_TABLE_H
#define METERBEAT_WORKER_CONTROL_COMMAND_TABLE_H

#include "worker/control/context.h"

/*
 * The answer to a request, the caller's: the command's own, or {"error": ...} as Celery's worker
 * says it for a method it does not know and for arguments that do not fit. arguments: anything;
 * NULL: none. p->heartbeat and p->shutdown say what else is to be done. NULL: no memory.
 */
json_t *commands_answer(struct control_context *p, const char *method, const json_t *arguments);

#endif
