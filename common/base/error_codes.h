/* Every error code there is: its kind, its class in Python, and what a person can do about it. */
#ifndef METERBEAT_BASE_ERROR_CODES_H
#define METERBEAT_BASE_ERROR_CODES_H

#include "common/base/err.h"

/* Codes are an interface: logs, tables, dead letters and clients have them. */
struct error_code {
    const char *code;
    enum err_kind kind;
    enum err_kind also; /* where it depends on who meets it: a program's start, a task; else 0 */
    /* The class that Celery's client raises for it; NULL: "meterbeat", and the code in CamelCase. */
    const char *exception_module, *exception;
    const char *advice; /* what meterbeatctl tells beside the error; NULL: nothing */
};

/* NULL: not in the table; so are the feed reader's problems, all of them ERR_REJECT
 * (common/espi/problems.c). */
const struct error_code *error_code_find(const char *code);
/* What a person can do about it; NULL: nothing is known. */
const char *error_advice(const struct err *e);

#endif
