/* Log lines as key=value on standard error: one write a line, with the thread's context in it. */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/text.h"

#define LINE_MAX_BYTES 2048
#define VALUE_MAX_BYTES 600 /* of one value, with its quotes */

/* A line, or a thread's part of it, as it grows. */
struct line {
    char *text;
    size_t room, len; /* room: without the NUL */
};

static const char *log_program = "meterbeat";
static enum log_level log_least = LOG_LEVEL_INFO;
static _Thread_local char log_thread_context[320];

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

/* --- what goes into a line ----------------------------------------------------------------- */

static void put(void *to, const char *text, size_t len)
{
    struct line *line = to;
    size_t left = line->room - line->len;
    size_t take = len < left ? len : left;
    memcpy(line->text + line->len, text, take);
    line->len += take;
    line->text[line->len] = '\0';
}

/* A word can be told from what follows it without quotes. */
static bool is_word(const char *text, size_t len)
{
    static const char others[] = "_.:/@%+-,";
    for (size_t i = 0; i < len; i++)
        if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'A' && text[i] <= 'Z') &&
            !(text[i] >= 'a' && text[i] <= 'z') && !strchr(others, text[i]))
            return false;
    return len > 0 && len < VALUE_MAX_BYTES;
}

/* As many bytes as leave room for the closing quote; a character is never cut in two. */
static void put_quoted(struct line *line, const char *text, size_t len)
{
    size_t end = line->room - line->len;
    size_t most = line->len + (end < VALUE_MAX_BYTES ? end : VALUE_MAX_BYTES);
    if (line->len + 2 > most)
        return;
    put(line, "\"", 1);
    for (size_t i = 0, bytes; i < len; i += bytes) {
        bool escaped = text[i] == '"' || text[i] == '\\';
        (void)text_is_shown(text + i, &bytes);
        if (line->len + escaped + bytes + 1 > most)
            break;
        if (escaped)
            put(line, "\\", 1);
        put(line, text + i, bytes);
    }
    put(line, "\"", 1);
}

/* What stands behind a '=' is a value, of whatever somebody else wrote; elsewhere stand words of
 * our own. */
static void put_value(void *to, const char *text, size_t len)
{
    struct line *line = to;
    bool value = line->len > 0 && line->text[line->len - 1] == '=';
    if (is_word(text, len) || (len == 0 && !value))
        put(line, text, len);
    else
        put_quoted(line, text, len);
}

static void format_line(struct line *line, const char *format, va_list values) PRINTF_LIKE(2, 0);
static void format_line(struct line *line, const char *format, va_list values)
{
    const struct text_sink sink = {put, put, put_value, line};
    text_format(&sink, format, values);
}

void log_context(const char *format, ...)
{
    struct line line = {log_thread_context, sizeof log_thread_context - 1, 0};
    va_list arguments;
    line.text[0] = '\0';
    va_start(arguments, format);
    format_line(&line, format, arguments);
    va_end(arguments);
}

/* --- a line -------------------------------------------------------------------------------- */

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

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_least)
        return;
    char text[LINE_MAX_BYTES];
    struct line line = {text, sizeof text - 2, 0}; /* the line's end and a NUL have room too */
    line.len = log_prefix(text, line.room, level, event);
    size_t before = line.len;
    put(&line, " ", 1);
    va_list arguments;
    va_start(arguments, format);
    format_line(&line, format, arguments);
    va_end(arguments);
    if (line.len == before + 1)
        line.len = before; /* no pairs */
    text[line.len++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, line.len);
    (void)written; /* a log that cannot be written is no reason to stop */
}

void log_error(enum log_level level, const char *event, const struct err *e)
{
    log_event(level, event,
              e->detail[0] ? "kind=%s code=%s error=%s detail=%s" : "kind=%s code=%s error=%s%s",
              err_kind_name(e->kind), e->code, e->text, e->detail);
}
