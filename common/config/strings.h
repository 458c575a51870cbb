/* A set of strings that are wiped and freed together. */
#ifndef METERBEAT_CONFIG_STRINGS_H
#define METERBEAT_CONFIG_STRINGS_H

#include <stddef.h>

#include "common/base/attr.h"

struct strings;

/* NULL: out of memory. */
struct strings *strings_new(void);
/* A copy of the first len bytes of text, NUL-terminated; NULL: out of memory. */
MUST_CHECK const char *strings_copy(struct strings *s, const char *text, size_t len);
/* Overwrites and frees them all. NULL is accepted. */
void strings_free(struct strings *s);

#endif
