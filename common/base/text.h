/* Foreign text on its way to a person or a log: what may be shown, and printing that shows no more.
 */
#ifndef METERBEAT_BASE_TEXT_H
#define METERBEAT_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/attr.h"

/*
 * Whether the character at `at`, which is no NUL, may be shown as it is; *ret_bytes: how long it
 * is. Not: invalid UTF-8 (one byte of it), controls (C0, C1, DEL), line and paragraph separators,
 * and what is invisible and changes how others are seen (Unicode's Cf: bidirectional controls,
 * tags), except the two joiners that scripts need. Unicode's classes are GLib's.
 */
bool text_is_shown(const char *at, size_t *ret_bytes);
/* Each character that may not be shown becomes one '?', in place; returns text. */
char *text_clean(char *text);

/*
 * printf, but whatever a %s brings is cleaned first: only the format itself can end a line or speak
 * to a terminal. d i u x X o c s p f F e E g G a A, with flags, widths, precisions and lengths.
 */
void text_print(FILE *out, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprint(FILE *out, const char *format, va_list values) PRINTF_LIKE(2, 0);
/* ... and a bare text, cleaned: for what is no format. */
void text_put(FILE *out, const char *text);

/* Where a format's parts go: literal text, and values, which are cleaned already. */
struct text_sink {
    void (*literal)(void *to, const char *text, size_t len);
    void (*number)(void *to, const char *text, size_t len);
    void (*value)(void *to, const char *text, size_t len);
    void *to;
};
/* Walks through format and gives its parts to the sink, in their order. */
void text_format(const struct text_sink *sink, const char *format, va_list values)
    PRINTF_LIKE(2, 0);

/* jansson's json_dump_callback_t, `out` a FILE: of JSON dumped with JSON_ENSURE_ASCII writes DEL as
 * \u007f too, so that nothing but visible ASCII is left. */
int text_put_json(const char *text, size_t len, void *out);

#endif
