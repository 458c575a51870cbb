/* Compiler attributes that every folder uses, under short names. */
#ifndef METERBEAT_BASE_ATTR_H
#define METERBEAT_BASE_ATTR_H

/* The result says whether the call failed: ignoring it is a compile error. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* Argument f is a printf format, its values start at argument a. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
/* Runs fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
