/* Base64 (RFC 4648 section 4, with padding): how bytes travel in a JSON value. */
#ifndef METERBEAT_BASE_BASE64_H
#define METERBEAT_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

/* NUL-terminated; caller frees. NULL: no memory. */
char *base64_encode(const void *bytes, size_t len);
/* Bytes that a text of len characters decodes to; false when it is not base64. Pure. */
MUST_CHECK bool base64_decoded_size(const char *text, size_t len, size_t *ret_size);
/* Decodes into out, which holds base64_decoded_size() bytes; only after that has said true. */
void base64_decode(const char *text, size_t len, unsigned char *out);

#endif
