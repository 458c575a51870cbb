/* Strings that live and are wiped together. */
#ifndef METERBEAT_CONFIG_STRINGS_H
#define METERBEAT_CONFIG_STRINGS_H

#include <stddef.h>

#include "common/base/attr.h"

struct strings;

/* NULL without memory. */
struct strings *strings_new(void);
/* A copy of the first len bytes of text, NUL-terminated; NULL without memory. */
MUST_CHECK const char *strings_copy(struct strings *s, const char *text, size_t len);
/* Overwrites them all, then gives the memory back. NULL accepted. */
void strings_free(struct strings *s);

#endif
