/* Shared by the canvas files; not included elsewhere. */
#ifndef METERBEAT_CELERY_CANVAS_INTERNAL_H
#define METERBEAT_CELERY_CANVAS_INTERNAL_H

#include "common/celery/canvas.h"

enum signature_kind {
    SIGNATURE_TASK, /* also celery.map, starmap and chunks: tasks of Python workers */
    SIGNATURE_GROUP,
    SIGNATURE_CHAIN,
    SIGNATURE_CHORD,
    SIGNATURE_UNKNOWN,
};

enum signature_kind signature_kind(const json_t *sig);
/* The value of a key if it is not null, or NULL. */
const json_t *signature_value(const json_t *object, const char *name);
/* An option of a signature, or NULL. */
const json_t *signature_option(const json_t *sig, const char *name);
/* The members of a group, a chain, or a chord's header (a list, or a single signature); NULL:
 * none. */
const json_t *signature_members(const json_t *sig);
/* Whether it is text, or a datetime in Celery's extended JSON. */
MUST_CHECK bool signature_time(const json_t *value, int64_t *ret_ms);

#endif
