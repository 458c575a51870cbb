/* ZIP archives as portals give them out, and as somebody makes them to hurt: their XML files come
 * one after the other, or the archive is refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <minizip/zip.h>

#include "common/base/buf.h"
#include "common/greenbutton/unpack.h"

#define ARCHIVE_BYTES (32u << 20)

/* What came of an archive: its documents with "|" between them, and the names passed over. */
struct came {
    struct buf documents, unread;
    struct err e;
    bool ok;
};

static bool take_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    struct came *c = context;
    return buf_append(&c->documents, bytes, len, e);
}

static bool take_next(void *context, struct err *e)
{
    struct came *c = context;
    return buf_append(&c->documents, "|", 1, e);
}

static void take_unread(void *context, const char *name)
{
    struct came *c = context;
    assert_true(buf_append(&c->unread, name, strlen(name), NULL));
    assert_true(buf_append(&c->unread, ";", 1, NULL));
}

static struct came unpack_all(const char *bytes, size_t len, size_t piece, int64_t max_bytes)
{
    struct came c = {.documents = buf_make(ARCHIVE_BYTES), .unread = buf_make(ARCHIVE_BYTES)};
    const struct unpack_limits limits = {.bytes = max_bytes, .ratio = UNPACK_RATIO};
    const struct unpack_sink sink = {
        .bytes = take_bytes, .next = take_next, .unread = take_unread, .context = &c};
    struct unpack *u CLEANUP(unpack_freep) = NULL;
    c.ok = unpack_open(&limits, &sink, &u, &c.e);
    for (size_t at = 0; c.ok && at < len; at += piece)
        c.ok = unpack_write(u, bytes + at, len - at < piece ? len - at : piece, &c.e);
    c.ok = c.ok && unpack_end(u, &c.e);
    assert_true(buf_append(&c.documents, "", 1, NULL) && buf_append(&c.unread, "", 1, NULL));
    return c;
}

static void came_free(struct came *c)
{
    buf_free(&c->documents);
    buf_free(&c->unread);
}

/* --- making archives ------------------------------------------------------------------------ */

static char path[] = "/tmp/meterbeat_unpackXXXXXX";
static zipFile zip;

static int make_path(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void archive_begin(void)
{
    zip = zipOpen(path, APPEND_STATUS_CREATE);
    assert_non_null(zip);
}

static void archive_add(const char *name, const char *bytes, size_t len, int method)
{
    zip_fileinfo info = {0};
    assert_int_equal(zipOpenNewFileInZip(zip, name, &info, NULL, 0, NULL, 0, NULL, method, 9), 0);
    assert_int_equal(zipWriteInFileInZip(zip, bytes, (unsigned)len), 0);
    assert_int_equal(zipCloseFileInZip(zip), 0);
}

static void archive_text(const char *name, const char *text)
{
    archive_add(name, text, strlen(text), Z_DEFLATED);
}

/* Caller frees. */
static char *archive_end(size_t *ret_len)
{
    char *bytes = malloc(ARCHIVE_BYTES);
    assert_int_equal(zipClose(zip, NULL), 0);
    FILE *file = fopen(path, "rb");
    *ret_len = fread(bytes, 1, ARCHIVE_BYTES, file);
    fclose(file);
    return bytes;
}

static void assert_refused(const char *code)
{
    size_t len;
    char *bytes = archive_end(&len);
    struct came c = unpack_all(bytes, len, len, ARCHIVE_BYTES);
    assert_false(c.ok);
    assert_string_equal(c.e.code, code);
    assert_int_equal(c.e.kind, ERR_REJECT);
    came_free(&c);
    free(bytes);
}

/* --- what they hold ------------------------------------------------------------------------- */

static void the_xml_files_of_an_archive_are_its_documents_whatever_the_pieces(void **state)
{
    (void)state;
    size_t len;
    archive_begin();
    archive_text("Green/", "");
    archive_text("Green/Electric.xml", "\xef\xbb\xbf<feed>1</feed>");
    archive_text("__MACOSX/Green/._Electric.xml", "junk");
    archive_text("GreenButtonDataStyleSheet.xslt", "<xsl/>");
    archive_text("bill.pdf", "%PDF-1.7");
    archive_add("no extension", " \n<feed>2</feed>", 16, 0);
    archive_add("wide.XML", "\xff\xfe<\0f\0e\0e\0d\0/\0>\0", 16, Z_DEFLATED);
    archive_text("usage.csv", "a,b\n1,2\n");
    archive_text("help.html", "<html/>");
    char *bytes = archive_end(&len);
    for (size_t piece = 1; piece <= len; piece = piece * 7 + 1) {
        struct came c = unpack_all(bytes, len, piece, 5000);
        assert_true(c.ok);
        assert_string_equal(c.unread.data, "bill.pdf;usage.csv;help.html;");
        static const char want[] =
            "\xef\xbb\xbf<feed>1</feed>| \n<feed>2</feed>|\xff\xfe<\0f\0e\0e\0d\0/\0>";
        assert_int_equal(c.documents.len, sizeof want + 1);
        assert_memory_equal(c.documents.data, want, sizeof want);
        came_free(&c);
    }
    free(bytes);
}

static void other_documents_beside_a_feed_are_told_and_left_alone(void **state)
{
    (void)state;
    size_t len;
    archive_begin();
    archive_text("manifest.xml",
                 "<?xml version='1.0'?>\n<!-- <feed> -->\n<manifest><file/></manifest>");
    archive_text("espi.xsd", "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' "
                             "targetNamespace='http://naesb.org/espi'/>");
    archive_text("feed.xml", "<feed xmlns='http://www.w3.org/2005/Atom'/>");
    archive_text("news.xml", "<feed xmlns='urn:news'/>");
    archive_text("Info.plist", "<!DOCTYPE plist PUBLIC '-//A//' 'http://h/'><plist/>");
    archive_text("page.xml", "<!DOCTYPE html><html><body>not well-formed");
    archive_add("wide.xml", "\xff\xfe<\0a\0/\0>\0", 10, Z_DEFLATED);
    archive_add("usage.xlsx", "PK\3\4whatever", 12, Z_DEFLATED);
    archive_text("point.xml", "<e:UsagePoint xmlns:e='http://naesb.org/espi'/>");
    archive_text("status.xml", "<ServiceStatus xmlns='http://naesb.org/espi'/>");
    archive_text("declared.xml", "<!DOCTYPE e:feed SYSTEM 'x'><feed/>");
    archive_text("cut.xml", "<?xml version='1.0'?>\n<fee");
    char *bytes = archive_end(&len);
    struct came c = unpack_all(bytes, len, len, 5000);
    assert_true(c.ok);
    assert_string_equal(c.unread.data, "manifest.xml;espi.xsd;news.xml;Info.plist;page.xml;"
                                       "wide.xml;usage.xlsx;");
    /* what may be a feed is read, and refused there if it is none that can be */
    assert_string_equal(c.documents.data, "<feed xmlns='http://www.w3.org/2005/Atom'/>|"
                                          "<e:UsagePoint xmlns:e='http://naesb.org/espi'/>|"
                                          "<ServiceStatus xmlns='http://naesb.org/espi'/>|"
                                          "<!DOCTYPE e:feed SYSTEM 'x'><feed/>|"
                                          "<?xml version='1.0'?>\n<fee");
    came_free(&c);
    free(bytes);
}

static void an_archive_without_a_feed_says_what_it_holds(void **state)
{
    (void)state;
    archive_begin();
    archive_text("usage.csv", "a,b\n1,2\n");
    assert_refused("zip_without_feed");
    archive_begin();
    archive_text("page.html.xml", "<html/>");
    assert_refused("zip_without_feed");
    archive_begin();
    assert_refused("bad_zip");
    archive_begin();
    archive_text("[Content_Types].xml", "<Types/>");
    archive_text("xl/workbook.xml", "<workbook/>");
    assert_refused("xlsx");
}

static void an_archive_in_an_archive_is_refused(void **state)
{
    (void)state;
    archive_begin();
    archive_text("a.xml", "<feed/>");
    archive_add("more.zip", "PK\3\4whatever", 12, Z_DEFLATED);
    assert_refused("nested_archive");
    archive_begin();
    archive_add("feed.xml.gz", "\x1f\x8b\x08", 3, 0);
    assert_refused("nested_archive");
}

/* --- broken, or made to hurt ---------------------------------------------------------------- */

/* Of its last bytes, which are 0, some may be missing: the files are whole then, and looked at. */
static void an_archive_cut_anywhere_is_refused_or_whole(void **state)
{
    (void)state;
    static const char text[] = "<feed>something to cut in two</feed>";
    size_t len;
    archive_begin();
    archive_text("a.xml", text);
    char *bytes = archive_end(&len);
    for (size_t cut = 4; cut < len; cut++) {
        struct came c = unpack_all(bytes, cut, cut, 1000);
        if (c.ok && cut + 8 >= len)
            assert_string_equal(c.documents.data, text);
        else
            assert_string_equal(c.ok ? "fine" : c.e.code, "bad_zip");
        came_free(&c);
    }
    free(bytes);
}

static void a_byte_changed_anywhere_never_changes_a_document_in_silence(void **state)
{
    (void)state;
    static const char text[] = "<feed>0123456789 0123456789 abcdefghijkl</feed>";
    size_t len;
    archive_begin();
    archive_text("a.xml", text);
    char *bytes = archive_end(&len);
    for (size_t at = 4; at < len; at++) {
        bytes[at] ^= 0x41;
        struct came c = unpack_all(bytes, len, len, 100000);
        if (c.ok)
            assert_string_equal(c.documents.data, text);
        else
            assert_true(c.e.code[0] != '\0');
        came_free(&c);
        bytes[at] ^= 0x41;
    }
    free(bytes);
}

static void an_encrypted_file_is_refused(void **state)
{
    (void)state;
    size_t len;
    archive_begin();
    archive_text("a.xml", "<feed/>");
    char *bytes = archive_end(&len);
    for (size_t at = 0; at + 46 < len; at++)
        if (!memcmp(bytes + at, "PK\1\2", 4))
            bytes[at + 8] |= 1;
    struct came c = unpack_all(bytes, len, len, 1000);
    assert_string_equal(c.e.code, "zip_encrypted");
    came_free(&c);
    free(bytes);
}

static void more_files_than_anybody_packs_are_refused(void **state)
{
    (void)state;
    char name[40];
    archive_begin();
    for (int i = 0; i <= UNPACK_FILES; i++) {
        snprintf(name, sizeof name, "%d.txt", i);
        archive_add(name, "x", 1, 0);
    }
    assert_refused("too_many_files");
}

static void what_unpacks_to_too_much_is_refused(void **state)
{
    (void)state;
    size_t len, size = 24u << 20;
    char *zeros = calloc(size, 1);
    zeros[0] = '<';
    archive_begin();
    archive_add("a.xml", zeros, size, Z_DEFLATED);
    char *bytes = archive_end(&len);
    struct came c = unpack_all(bytes, len, len, ARCHIVE_BYTES);
    assert_string_equal(c.e.code, "feed_ratio");
    came_free(&c);
    c = unpack_all(bytes, len, len, 1000000);
    assert_string_equal(c.e.code, "feed_too_large");
    came_free(&c);
    c = unpack_all(bytes, len, len, 100);
    assert_string_equal(c.e.code, "feed_too_large");
    came_free(&c);
    free(bytes);
    free(zeros);
}

static void a_few_bytes_are_what_they_are(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "P", "PK", "PK\3", "\x1f", "<a>"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct came c = unpack_all(texts[i], strlen(texts[i]), 1, 100);
        assert_true(c.ok);
        assert_string_equal(c.documents.data, texts[i]);
        came_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_xml_files_of_an_archive_are_its_documents_whatever_the_pieces),
        cmocka_unit_test(other_documents_beside_a_feed_are_told_and_left_alone),
        cmocka_unit_test(an_archive_without_a_feed_says_what_it_holds),
        cmocka_unit_test(an_archive_in_an_archive_is_refused),
        cmocka_unit_test(an_archive_cut_anywhere_is_refused_or_whole),
        cmocka_unit_test(a_byte_changed_anywhere_never_changes_a_document_in_silence),
        cmocka_unit_test(an_encrypted_file_is_refused),
        cmocka_unit_test(more_files_than_anybody_packs_are_refused),
        cmocka_unit_test(what_unpacks_to_too_much_is_refused),
        cmocka_unit_test(a_few_bytes_are_what_they_are),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
