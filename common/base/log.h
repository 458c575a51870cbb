/* Log lines as key=value on standard error; only programs log, libraries return errors. */
#ifndef METERBEAT_BASE_LOG_H
#define METERBEAT_BASE_LOG_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Once, before any thread starts. program becomes program=... in each line. */
void log_init(const char *program, enum log_level least);
/* "debug", "info", "warning", "error" -> level; false for any other word. */
MUST_CHECK bool log_level_parse(const char *word, enum log_level *ret_level);
/*
 * Pairs such as "task_id=%s record=%lld" put into each later line of the calling thread; "" takes
 * them away. At most 319 bytes.
 */
void log_context(const char *format, ...) PRINTF_LIKE(1, 2);
/*
 * time=… level=… program=… [context] event=WORD [pairs]. event is a stable word, format gives
 * further key=value pairs ("" for none). One write(2) a line, any thread.
 *
 * Values are given as they are, whoever wrote them: what a %s brings is cleaned as text_clean does,
 * stands in quotes unless it is one word, and is cut at 600 bytes. So no value can end a line or
 * begin another pair; quotes in the format are not needed.
 */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with kind=, code=, error= and, where there is one, detail= of e. */
void log_error(enum log_level level, const char *event, const struct err *e);

#endif
