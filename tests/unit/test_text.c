/* Foreign text on its way to a terminal or a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/base/text.h"

/* --- cleaning ------------------------------------------------------------------------------ */

static void what_could_speak_to_a_terminal_becomes_question_marks(void **state)
{
    (void)state;
    static const struct {
        const char *given, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"\x1b[2J", "?[2J"},
        {"a\nb\rc\td\x7f", "a?b?c?d?"},
        {"\xc2\x9b"
         "1m",
         "?1m"}, /* C1: CSI */
        {"\xe2\x80\xae"
         "gpj.exe",
         "?gpj.exe"},                                /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "?x?"},        /* isolates */
        {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "???"}, /* marks */
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xa9",
         "a?b?"},                                            /* line and paragraph separator */
        {"\xef\xbb\xbf\xe2\x80\x8b\xf3\xa0\x81\x81", "???"}, /* BOM, zero width, tag */
        {"\xe3\x85\xa4\xef\xbe\xa0\xcd\x8f\xe2\xa0\x80",
         "????"},                               /* fillers, joiner, Braille blank */
        {"\xef\xbf\xbf\xf3\xa0\x80\x80", "??"}, /* noncharacter, to be hidden when it is assigned */
        {"\xff\xc3", "??"},                     /* no UTF-8, and cut off */
        {"\xc0\xaf\xed\xa0\x80", "?????"},      /* overlong, surrogate */
        {"\xf4\x90\x80\x80", "????"},           /* beyond Unicode */
        {"Zähler \xe6\x97\xa5\xe6\x9c\xac", "Zähler \xe6\x97\xa5\xe6\x9c\xac"},
        {"\xe0\xa4\x95\xe2\x80\x8d\xe0\xa4\xb7",
         "\xe0\xa4\x95\xe2\x80\x8d\xe0\xa4\xb7"}, /* joiner */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s", cases[i].given);
        assert_string_equal(text_clean(text), cases[i].shown);
    }
}

static void every_byte_and_pair_of_bytes_is_cleaned_within_its_bounds(void **state)
{
    (void)state;
    for (int first = 1; first < 256; first++)
        for (int second = 0; second < 256; second++) {
            char *text = malloc(3); /* for the address sanitizer */
            memcpy(text, (char[]){(char)first, (char)second, 0}, 3);
            for (const char *at = text_clean(text); *at; at++)
                assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
            free(text);
        }
}

/* --- printing ------------------------------------------------------------------------------ */

static char *printed(const char *format, ...) PRINTF_LIKE(1, 2);
static char *printed(const char *format, ...)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    va_list values;
    va_start(values, format);
    text_vprint(out, format, values);
    va_end(values);
    assert_int_equal(fclose(out), 0);
    return text;
}

#define assert_printed(wanted, ...)                                                                \
    do {                                                                                           \
        char *text = printed(__VA_ARGS__);                                                         \
        assert_string_equal(text, wanted);                                                         \
        free(text);                                                                                \
    } while (0)

static void only_the_format_ends_a_line(void **state)
{
    (void)state;
    assert_printed("a?b\n", "%s\n", "a\nb");
    assert_printed("[ab  ] [  a?] [abc]", "[%-4s] [%4s] [%.3s]", "ab", "a\n", "abcdef");
    assert_printed("[\xc3\xa4   ]", "[%-*s]", 4, "\xc3\xa4");
}

static void numbers_are_printed_as_printf_does(void **state)
{
    (void)state;
    char wanted[2000];
#define FORMAT                                                                                     \
    "%d %5d %-5d| %05d %ld %lld %zu %jd %u %x %lX %c %% %g %.3f %.17g %*d %.*f %+d %hhd %llu %i"
#define VALUES                                                                                     \
    -1, 42, 42, 42, -2L, (long long)INT64_MIN, (size_t)SIZE_MAX, (intmax_t)-3, 4000000000u, 255u,  \
        255UL, 'c', 0.1, 2.0 / 3, 0.1, 6, 42, 2, 1.005, 7, (signed char)44,                        \
        (unsigned long long)UINT64_MAX, 8
    (void)snprintf(wanted, sizeof wanted, FORMAT, VALUES);
    assert_printed(wanted, FORMAT, VALUES);
    (void)snprintf(wanted, sizeof wanted, "%f", 1e300);
    assert_printed(wanted, "%f", 1e300);
}

static void json_is_written_in_visible_ascii(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(text_put_json("\"a\x7f"
                                   "b\"",
                                   5, out),
                     0);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "\"a\\u007fb\"");
    free(text);
}

/* --- the log ------------------------------------------------------------------------------- */

static char line[4096];

/* What log_event or log_error wrote, from event= on. */
static const char *logged(void (*write_it)(const void *), const void *with)
{
    int ends[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    write_it(with);
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ssize_t len = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    close(before);
    assert_true(len > 0);
    line[len] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    return strstr(line, " event=");
}

static void write_queue(const void *name)
{
    log_event(LOG_LEVEL_ERROR, "consuming", "queue=%s n=%d", (const char *)name, 7);
}

static void no_value_begins_another_pair_or_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *pairs;
    } cases[] = {
        {"meterbeat", "queue=meterbeat"},
        {"a.b:c/d@e%f-g,h+1", "queue=a.b:c/d@e%f-g,h+1"},
        {"", "queue=\"\""},
        {"x event=task_done", "queue=\"x event=task_done\""},
        {"x\nlevel=error", "queue=\"x?level=error\""},
        {"x=y", "queue=\"x=y\""},
        {"\" event=task_done x=\"", "queue=\"\\\" event=task_done x=\\\"\""},
        {"\\", "queue=\"\\\\\""},
        {"\xc2\x9b\xe2\x80\xae\x1b\xff", "queue=\"????\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char wanted[200];
        (void)snprintf(wanted, sizeof wanted, " event=consuming %s n=7\n", cases[i].pairs);
        assert_string_equal(logged(write_queue, cases[i].name), wanted);
    }
}

static void a_long_value_is_cut_inside_its_quotes(void **state)
{
    (void)state;
    char name[3000];
    memset(name, '"', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *pairs = logged(write_queue, name);
    assert_true(strlen(pairs) < 700);
    assert_non_null(strstr(pairs, "\\\"\" n=7\n"));
    memset(name, 'x', sizeof name - 1);
    assert_non_null(strstr(logged(write_queue, name), "x\" n=7\n"));
}

static void write_in_context(const void *id)
{
    log_context("task_id=%.80s record=%lld", (const char *)id, 3LL);
    log_event(LOG_LEVEL_ERROR, "tried", "%s", "");
    log_context("%s", "");
}

static void the_context_is_quoted_too_and_no_pairs_are_none(void **state)
{
    (void)state;
    (void)logged(write_in_context, "a b\x1b");
    assert_non_null(strstr(line, " task_id=\"a b?\" record=3 event=tried\n"));
    (void)logged(write_queue, "q");
    assert_null(strstr(line, "task_id"));
}

static void write_many(const void *text)
{
    const char *t = text;
    log_event(LOG_LEVEL_ERROR, "many", "a=%s b=%s c=%s d=%s e=%s", t, t, t, t, t);
}

static void a_full_line_keeps_its_end_and_its_quotes(void **state)
{
    (void)state;
    char text[599] = "";
    for (size_t len = 300; len < sizeof text - 1; len++) {
        memset(text, ' ', len);
        text[len] = '\0';
        (void)logged(write_many, text);
        size_t quotes = 0;
        for (const char *at = line; *at; at++)
            quotes += *at == '"';
        assert_int_equal(quotes % 2, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_speak_to_a_terminal_becomes_question_marks),
        cmocka_unit_test(every_byte_and_pair_of_bytes_is_cleaned_within_its_bounds),
        cmocka_unit_test(only_the_format_ends_a_line),
        cmocka_unit_test(numbers_are_printed_as_printf_does),
        cmocka_unit_test(json_is_written_in_visible_ascii),
        cmocka_unit_test(no_value_begins_another_pair_or_line),
        cmocka_unit_test(a_long_value_is_cut_inside_its_quotes),
        cmocka_unit_test(the_context_is_quoted_too_and_no_pairs_are_none),
        cmocka_unit_test(a_full_line_keeps_its_end_and_its_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
