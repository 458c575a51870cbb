/* Celery's extended JSON: {"__type__": T, "__value__": v} for what JSON has no word for. */
#ifndef METERBEAT_CELERY_EXTENDED_TYPE_H
#define METERBEAT_CELERY_EXTENDED_TYPE_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/*
 * Every object in the tree that has exactly these two keys: T is datetime, date, time, decimal,
 * uuid, bytes or base64, and v is one; they stay in that form. False: ERR_REJECT "bad_body" with
 * the path: a Celery worker would refuse the body too. Recurses as deep as the tree.
 */
MUST_CHECK bool extended_type_check(const json_t *tree, struct err *e);
/* {"__type__":"base64","__value__":...}; new reference, NULL: no memory. */
json_t *extended_type_of_bytes(const void *bytes, size_t len);
/*
 * The bytes that a "bytes" or "base64" object stands for; false when value is anything else.
 * *ret_base64 true: text is base64 of them; else text itself. Borrowed from value.
 */
MUST_CHECK bool extended_type_is_bytes(const json_t *value, const char **ret_text, size_t *ret_len,
                                       bool *ret_base64);

#endif
