/* A failure as a value: filled where it happens, given context on the way up, decided on once. */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The macros of METERBEAT_ANALYSIS are for callers. */
#undef err_set
#undef err_detail
#undef err_wrap

bool err_set(struct err *e, enum err_kind kind, const char *code, const char *format, ...)
{
    if (!e)
        return false;
    e->kind = kind;
    e->retry_after_s = 0;
    e->detail[0] = '\0';
    snprintf(e->code, sizeof e->code, "%s", code);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
    return false;
}

bool err_detail(struct err *e, const char *format, ...)
{
    if (!e)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->detail, sizeof e->detail, format, arguments);
    va_end(arguments);
    return false;
}

bool err_wrap(struct err *e, const char *format, ...)
{
    if (!e)
        return false;
    char inner[sizeof e->text];
    memcpy(inner, e->text, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? sizeof e->text - 1 : (size_t)length;
    if (used + 3 <= sizeof e->text)
        snprintf(e->text + used, sizeof e->text - used, ": %.*s", (int)(sizeof e->text - used - 3),
                 inner);
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",        [ERR_RETRY] = "retry",    [ERR_REJECT] = "reject",
        [ERR_FATAL] = "fatal",      [ERR_NOT_NOW] = "retry",  [ERR_STOPPING] = "retry",
        [ERR_LEASE_LOST] = "retry", [ERR_REVOKED] = "reject", [ERR_COMMIT_UNKNOWN] = "retry",
    };
    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "none";
}
