/* Sanitizes untrusted text for display and logs. */
#ifndef METERBEAT_BASE_TEXT_H
#define METERBEAT_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/attr.h"

/*
 * Whether the character at `at`, which is not NUL, may be displayed as it is; *ret_bytes: its
 * length. Not displayed: invalid UTF-8 (one byte of it), control characters (C0, C1, DEL), line and
 * paragraph separators, and invisible characters that affect others (Unicode's Cf: bidirectional
 * controls, tags), except the two joiners that scripts need. Unicode classes are GLib's.
 */
bool text_is_shown(const char *at, size_t *ret_bytes);
/* Replaces each character that may not be displayed by one '?', in place; returns text. */
char *text_clean(char *text);

/*
 * printf that sanitizes what a %s inserts: only the format itself can end a line or control a
 * terminal. Supports d i u x X o c s p f F e E g G a A, with flags, widths, precisions and lengths.
 */
void text_print(FILE *out, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprint(FILE *out, const char *format, va_list values) PRINTF_LIKE(2, 0);
/* The same for a text without a format. */
void text_put(FILE *out, const char *text);

/* Receives the parts of a format: literal text, and values, which are sanitized already. */
struct text_sink {
    void (*literal)(void *to, const char *text, size_t len);
    void (*number)(void *to, const char *text, size_t len);
    void (*value)(void *to, const char *text, size_t len);
    void *to;
};
/* Processes format and passes its parts to the sink, in order. */
void text_format(const struct text_sink *sink, const char *format, va_list values)
    PRINTF_LIKE(2, 0);

/* A json_dump_callback_t of jansson, `out` is a FILE. For JSON dumped with JSON_ENSURE_ASCII:
 * writes DEL as \u007f too, so that only visible ASCII is left. */
int text_put_json(const char *text, size_t len, void *out);

#endif
