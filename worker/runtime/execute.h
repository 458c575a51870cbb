/* One delivery, from its bytes to its settlement. */
#ifndef METERBEAT_WORKER_RUNTIME_EXECUTE_H
#define METERBEAT_WORKER_RUNTIME_EXECUTE_H

#include "worker/runtime/attempt.h"

/* Reads the attempt's delivery, performs its task and settles it. *ret_wait_ms > 0: it is to start
 * so much later, and is to be executed once more then; the returned value says nothing. */
enum settlement execute(struct attempt *a, int64_t *ret_wait_ms);

#endif
