/* Task results for a waiting Celery client, as its rpc:// backend sends them. Pure. */
#ifndef METERBEAT_CELERY_RESULT_H
#define METERBEAT_CELERY_RESULT_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/amqp/message.h"

enum result_state {
    RESULT_STARTED,
    RESULT_SUCCESS,
    RESULT_FAILURE,
    RESULT_RETRY,
    RESULT_REVOKED,
};

/* The task of a result and its client. Borrowed; absent ones NULL. */
struct result_address {
    const char *task_id;
    const char *reply_to;       /* the client's queue */
    const char *correlation_id; /* of the task's message; NULL: the task id */
    const char *group_id, *parent_id;
};

/* An exception in Celery's form: module, class, and one argument. */
struct result_exception {
    const char *module; /* static */
    char type[64];
    char text[512]; /* UTF-8 */
};

/*
 * The Python exception for an error: celery.exceptions.NotRegistered(task) for "unknown_task",
 * TaskRevokedError(text) for "revoked", ChordError(text) for "chord_not_supported",
 * billiard.exceptions.TimeLimitExceeded for "time_limit", builtins.TypeError for "bad_arguments".
 * Any other is meterbeat.<code in CamelCase>, for which the client's Celery makes up a class.
 */
struct result_exception result_exception_of(const struct err *why, const char *task);
/* Its repr(), as in events: ValueError('boom'). The caller frees it; NULL: out of memory. */
char *result_exception_repr(const struct result_exception *x);
/* {"exc_type", "exc_message": [text], "exc_module"}; new reference, NULL: out of memory. */
json_t *result_exception_value(const struct result_exception *x);

/*
 * Encodes the message for to->reply_to: JSON, with the keys of Celery 5.7's rpc backend: status,
 * result, traceback (null), children, date_done (now_ms; null before the end), group_id and
 * parent_id if present, task_id. children: as result_child makes them, NULL: none. The caller frees
 * ret_message. False: ERR_REJECT "result_too_large" if the body would exceed max_bytes,
 * "bad_result" if value cannot be JSON; ERR_RETRY "no_memory".
 */
MUST_CHECK bool result_encode(const struct result_address *to, enum result_state state,
                              const json_t *value, const json_t *children, size_t max_bytes,
                              int64_t now_ms, struct message *ret_message, struct err *e);
/* A task that this one started, for `children`: [[id, null], members]; members NULL: a task, else a
 * group of these children (borrowed). New reference. */
json_t *result_child(const char *id, json_t *members);

#endif
