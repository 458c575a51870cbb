/* Base64 (RFC 4648 section 4, with padding): bytes as text in a JSON value. */
#ifndef METERBEAT_BASE_BASE64_H
#define METERBEAT_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

/* NUL-terminated; the caller frees it. NULL: out of memory. */
char *base64_encode(const void *bytes, size_t len);
/* The number of bytes that a text of len characters decodes to; false if it is not base64. Pure. */
MUST_CHECK bool base64_decoded_size(const char *text, size_t len, size_t *ret_size);
/* Decodes into out, which has base64_decoded_size() bytes. Call only after that returned true. */
void base64_decode(const char *text, size_t len, unsigned char *out);

#endif
