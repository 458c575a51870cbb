/* Compiler attributes under short names. */
#ifndef METERBEAT_BASE_ATTR_H
#define METERBEAT_BASE_ATTR_H

#include <stdlib.h>

/* The result says whether the call failed: ignoring it is a compile error. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* Argument f is a printf format, whose values start at argument a. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
/* Calls fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
/* For CLEANUP: frees a pointer from malloc, or NULL. (For JSON: jansson's json_auto_t.) */
static inline void free_at(void *pointer)
{
    free(*(void **)pointer);
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
