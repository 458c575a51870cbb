/* What the arguments of the two meter tasks mean: pure, from a message's args and kwargs. */
#ifndef METERBEAT_WORKER_TASK_ARGUMENTS_H
#define METERBEAT_WORKER_TASK_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/timezone.h"
#include "common/celery/task_message.h"

/* parse: [] or [record]; kwargs record (or record_id), from, to. */
struct parse_arguments {
    int64_t record_id;    /* 0: all active records */
    bool has_window;      /* from and to were given */
    int64_t from_s, to_s; /* epoch seconds */
};

/* aggregate: [] or [building]; kwargs building (or building_id); -1, SEED's "all", counts as none.
 */
#define AGGREGATE_BUILDING 101
struct aggregate_arguments {
    char building_id[AGGREGATE_BUILDING]; /* "": all */
};

/*
 * from and to: epoch seconds, "2026-03-01" (local midnight of `zone`), or "2026-03-01T00:00:00"
 * with Z, an offset, or neither (local). zone NULL: from and to are left unread. False: ERR_REJECT
 * "bad_arguments".
 */
MUST_CHECK bool parse_arguments(const struct task_message *m, const struct timezone_rules *zone,
                                struct parse_arguments *ret_arguments, struct err *e);
MUST_CHECK bool aggregate_arguments(const struct task_message *m,
                                    struct aggregate_arguments *ret_arguments, struct err *e);

/* A date or an instant as a person writes it, as from and to are. False: it is neither. */
MUST_CHECK bool arguments_time(const char *text, const struct timezone_rules *zone, int64_t *ret_s);

#endif
