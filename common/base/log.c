/* Log lines as key=value on standard error: one write a line, with the thread's context in it. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_program = "meterbeat";
static enum log_level log_least = LOG_LEVEL_INFO;
static _Thread_local char log_thread_context[256];

static const char *const log_level_names[] = {"debug", "info", "warning", "error"};

void log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

bool log_level_parse(const char *word, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(log_level_names); i++) {
        if (strcmp(word, log_level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_context(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(log_thread_context, sizeof log_thread_context, format, arguments);
    va_end(arguments);
}

/* Milliseconds matter when two processes' lines are read side by side. */
static size_t log_prefix(char *line, size_t size, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm tm;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    int length =
        snprintf(line, size, "time=%s.%03ldZ level=%s program=%s pid=%d%s%s event=%s", stamp,
                 now.tv_nsec / 1000000, log_level_names[level], log_program, (int)getpid(),
                 log_thread_context[0] ? " " : "", log_thread_context, event);
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

/* C1 controls (U+0080 to U+009F) as well: "\xC2\x9B" begins a sequence in some terminals. */
static void log_write(char *line, size_t length)
{
    unsigned char *bytes = (unsigned char *)line;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            bytes[i] = '?';
        else if (i > 0 && bytes[i - 1] == 0xc2 && bytes[i] < 0xa0)
            bytes[i - 1] = bytes[i] = '?';
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* a log that cannot be written is no reason to stop */
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_least)
        return;
    char line[2048];
    size_t length = log_prefix(line, sizeof line - 1, level, event);
    if (format[0] && length < sizeof line - 2) {
        line[length++] = ' ';
        va_list arguments;
        va_start(arguments, format);
        int more = vsnprintf(line + length, sizeof line - 1 - length, format, arguments);
        va_end(arguments);
        size_t space = sizeof line - 2 - length;
        length += more < 0 ? 0 : (size_t)more < space ? (size_t)more : space;
    }
    log_write(line, length);
}

void log_error(enum log_level level, const char *event, const struct err *e)
{
    char quoted[LOG_QUOTED], detail[LOG_QUOTED];
    log_event(level, event, "kind=%s code=%s error=%s%s%s", err_kind_name(e->kind), e->code,
              log_quote(e->text, quoted), e->detail[0] ? " detail=" : "",
              e->detail[0] ? log_quote(e->detail, detail) : "");
}

const char *log_quote(const char *value, char out[LOG_QUOTED])
{
    size_t n = 0;
    out[n++] = '"';
    for (; *value && n < LOG_QUOTED - 4; value++) {
        if (*value == '"' || *value == '\\')
            out[n++] = '\\';
        out[n++] = *value;
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}
