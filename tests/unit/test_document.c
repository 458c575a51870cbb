/* Documents from files: plain, gzip in one member or several, cut short, damaged, too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "common/base/buf.h"
#include "common/greenbutton/document.h"

#define TEXT_BYTES 300000

static char *text;
static char path[] = "/tmp/meterbeat_documentXXXXXX";

static int make_text(void **state)
{
    (void)state;
    int file = mkstemp(path);
    text = malloc(TEXT_BYTES);
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (char)('a' + (i * i / 7) % 26);
    return file < 0 ? -1 : close(file);
}

static int drop_text(void **state)
{
    (void)state;
    free(text);
    return unlink(path);
}

/* The text from `from` on, `len` bytes of it, as a gzip member at the end of the file. */
static void add_member(size_t from, size_t len)
{
    gzFile file = gzopen(path, "ab");
    assert_int_equal(gzwrite(file, text + from, (unsigned)len), (int)len);
    assert_int_equal(gzclose(file), Z_OK);
}

static void put(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static size_t file_size(void)
{
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    fclose(file);
    return size;
}

static bool keep(void *context, const char *bytes, size_t len, struct err *e)
{
    return buf_append(context, bytes, len, e);
}

static int64_t last_read, last_size;

static void note(void *context, int64_t read, int64_t size)
{
    (void)context;
    assert_true(read > last_read);
    last_read = read;
    last_size = size;
}

static bool read_it(struct buf *out, int64_t max_bytes, struct err *e)
{
    const struct document_sink sink = {.bytes = keep, .at = note, .context = out};
    buf_clear(out);
    last_read = 0;
    return document_read(path, max_bytes, &sink, e);
}

static void a_plain_file_comes_as_it_is_and_says_how_far_it_is(void **state)
{
    (void)state;
    struct err e;
    struct buf out CLEANUP(buf_free) = buf_make(TEXT_BYTES);
    put(text, TEXT_BYTES);
    assert_true(read_it(&out, TEXT_BYTES, &e));
    assert_int_equal(out.len, TEXT_BYTES);
    assert_memory_equal(out.data, text, TEXT_BYTES);
    assert_int_equal(last_read, TEXT_BYTES);
    assert_int_equal(last_size, TEXT_BYTES);
    put("", 0);
    assert_true(read_it(&out, TEXT_BYTES, &e));
    assert_int_equal(out.len, 0);
}

static void gzip_is_unpacked_however_many_members_it_has(void **state)
{
    (void)state;
    struct err e;
    struct buf out CLEANUP(buf_free) = buf_make(TEXT_BYTES);
    for (size_t members = 1; members <= 3; members++) {
        size_t part = TEXT_BYTES / members;
        put("", 0);
        for (size_t i = 0; i < members; i++)
            add_member(i * part, part);
        assert_true(read_it(&out, TEXT_BYTES, &e));
        assert_int_equal(out.len, TEXT_BYTES);
        assert_memory_equal(out.data, text, TEXT_BYTES);
        assert_int_equal(last_read, last_size);
    }
}

static void gzip_cut_anywhere_is_cut_off_and_never_a_shorter_document(void **state)
{
    (void)state;
    struct err e;
    struct buf out CLEANUP(buf_free) = buf_make(TEXT_BYTES);
    put("", 0);
    add_member(0, 5000);
    size_t size = file_size();
    for (size_t cut = 2; cut < size; cut++) {
        assert_int_equal(truncate(path, (off_t)(size - cut)), 0);
        if (size - cut < 2)
            break;
        assert_false(read_it(&out, TEXT_BYTES, &e));
        assert_string_equal(e.code, "feed_cut_off");
        put("", 0);
        add_member(0, 5000);
    }
}

static void damaged_gzip_is_refused(void **state)
{
    (void)state;
    struct err e;
    struct buf out CLEANUP(buf_free) = buf_make(TEXT_BYTES);
    put("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff", 16);
    assert_false(read_it(&out, TEXT_BYTES, &e));
    assert_string_equal(e.code, "bad_gzip");
    assert_int_equal(e.kind, ERR_REJECT);
    put("", 0);
    add_member(0, 100);
    FILE *file = fopen(path, "ab");
    fputs("what is this?", file);
    fclose(file);
    assert_false(read_it(&out, TEXT_BYTES, &e));
    assert_string_equal(e.code, "bad_gzip");
}

static void more_than_the_limit_unpacked_is_too_large(void **state)
{
    (void)state;
    struct err e;
    struct buf out CLEANUP(buf_free) = buf_make(TEXT_BYTES);
    put(text, 101);
    assert_false(read_it(&out, 100, &e));
    assert_string_equal(e.code, "feed_too_large");
    put("", 0);
    add_member(0, TEXT_BYTES);
    assert_false(read_it(&out, TEXT_BYTES - 1, &e));
    assert_string_equal(e.code, "feed_too_large");
}

static void what_is_no_file_is_said(void **state)
{
    (void)state;
    struct err e;
    const struct document_sink sink = {.bytes = keep};
    assert_false(document_read("/tmp/not/there", 100, &sink, &e));
    assert_string_equal(e.code, "cannot_open");
    assert_false(document_read("/tmp", 100, &sink, &e));
    assert_string_equal(e.code, "cannot_read");
}

static bool refuse(void *context, const char *bytes, size_t len, struct err *e)
{
    (void)context, (void)bytes, (void)len;
    return err_set(e, ERR_REJECT, "mine", "no");
}

static void what_the_sink_says_is_passed_on(void **state)
{
    (void)state;
    struct err e;
    const struct document_sink sink = {.bytes = refuse};
    put("", 0);
    add_member(0, 10);
    assert_false(document_read(path, 100, &sink, &e));
    assert_string_equal(e.code, "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_comes_as_it_is_and_says_how_far_it_is),
        cmocka_unit_test(gzip_is_unpacked_however_many_members_it_has),
        cmocka_unit_test(gzip_cut_anywhere_is_cut_off_and_never_a_shorter_document),
        cmocka_unit_test(damaged_gzip_is_refused),
        cmocka_unit_test(more_than_the_limit_unpacked_is_too_large),
        cmocka_unit_test(what_is_no_file_is_said),
        cmocka_unit_test(what_the_sink_says_is_passed_on),
    };
    return cmocka_run_group_tests(tests, make_text, drop_text);
}
