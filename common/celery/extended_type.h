/* Celery's extended JSON: {"__type__": T, "__value__": v} for values that JSON lacks. */
#ifndef METERBEAT_CELERY_EXTENDED_TYPE_H
#define METERBEAT_CELERY_EXTENDED_TYPE_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/*
 * Validates every object in the tree that has exactly these two keys: T is datetime, date, time,
 * decimal, uuid, bytes or base64, and v is one. They stay in that form. False: ERR_REJECT
 * "bad_body" with the path; a Celery worker would reject the body too. Recurses as deep as the
 * tree.
 */
MUST_CHECK bool extended_type_check(const json_t *tree, struct err *e);
/* Makes {"__type__":"base64","__value__":...}; new reference, NULL: out of memory. */
json_t *extended_type_of_bytes(const void *bytes, size_t len);
/* The bytes of a "bytes" or "base64" object; false if value is anything else. *ret_base64 true:
 * text is their base64; otherwise the bytes themselves. Borrowed from value. */
MUST_CHECK bool extended_type_is_bytes(const json_t *value, const char **ret_text, size_t *ret_len,
                                       bool *ret_base64);

#endif
