/* Log lines of key=value pairs on standard error. Only programs log; libraries return errors. */
#ifndef METERBEAT_BASE_LOG_H
#define METERBEAT_BASE_LOG_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Call once, before any thread starts. program becomes program=... in each line. */
void log_init(const char *program, enum log_level least);
/* Parses "debug", "info", "warning" or "error"; false for any other word. */
MUST_CHECK bool log_level_parse(const char *word, enum log_level *ret_level);
/* Sets pairs such as "task_id=%s record=%lld" that are added to each further line of the calling
 * thread; "" removes them. At most 319 bytes. */
void log_context(const char *format, ...) PRINTF_LIKE(1, 2);
/*
 * Writes time=… level=… program=… [context] event=WORD [pairs]. event is a stable word; format
 * gives further key=value pairs ("" for none). One write(2) per line, any thread.
 *
 * Values need no escaping, whoever wrote them: what a %s inserts is sanitized as by text_clean,
 * quoted unless it is one word, and truncated to 600 bytes. So no value can end a line or start
 * another pair; do not put quotes into the format.
 */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with kind=, code=, error= and, if there is one, detail= of e. */
void log_error(enum log_level level, const char *event, const struct err *e);

#endif
