/* The XML documents of a ZIP archive: minizip walks its directory entry by entry, in the same
 * memory however long it is. */
#include "common/greenbutton/unzip.h"

#include <minizip/unzip.h>
#include <string.h>
#include <strings.h>

#include "common/espi/root.h"

#define PIECE_BYTES 65536
#define NAME_BYTES 256
#define METHOD_STORED 0
#define FLAG_ENCRYPTED 1u

bool unzip_is_gzip(const char *bytes, size_t len)
{
    return len >= 2 && !memcmp(bytes, "\x1f\x8b", 2);
}

/* A file, an archive without one, or a part of an archive in several. */
bool unzip_is_zip(const char *bytes, size_t len)
{
    return len >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4) ||
                        !memcmp(bytes, "PK\7\10", 4));
}

/* --- the file as minizip asks for it ------------------------------------------------------- */

static voidpf file_open(voidpf archive, const void *name, int mode)
{
    (void)name, (void)mode;
    return archive;
}

static uLong file_read(voidpf opaque, voidpf archive, void *bytes, uLong len)
{
    (void)opaque;
    return (uLong)fread(bytes, 1, len, archive);
}

static uLong file_write(voidpf opaque, voidpf archive, const void *bytes, uLong len)
{
    (void)opaque, (void)archive, (void)bytes, (void)len;
    return 0;
}

static ZPOS64_T file_tell(voidpf opaque, voidpf archive)
{
    (void)opaque;
    return (ZPOS64_T)ftello(archive);
}

static long file_seek(voidpf opaque, voidpf archive, ZPOS64_T offset, int origin)
{
    static const int whence[] = {[ZLIB_FILEFUNC_SEEK_SET] = SEEK_SET,
                                 [ZLIB_FILEFUNC_SEEK_CUR] = SEEK_CUR,
                                 [ZLIB_FILEFUNC_SEEK_END] = SEEK_END};
    (void)opaque;
    if (origin < 0 || origin > ZLIB_FILEFUNC_SEEK_END || offset > INT64_MAX)
        return -1;
    return fseeko(archive, (off_t)offset, whence[origin]) == 0 ? 0 : -1;
}

static int file_close(voidpf opaque, voidpf archive)
{
    (void)opaque, (void)archive;
    return 0; /* its owner does */
}

static int file_error(voidpf opaque, voidpf archive)
{
    (void)opaque;
    return ferror((FILE *)archive);
}

static unzFile archive_open(FILE *archive)
{
    zlib_filefunc64_def functions = {.zopen64_file = file_open,
                                     .zread_file = file_read,
                                     .zwrite_file = file_write,
                                     .ztell64_file = file_tell,
                                     .zseek64_file = file_seek,
                                     .zclose_file = file_close,
                                     .zerror_file = file_error,
                                     .opaque = archive};
    clearerr(archive);
    return unzOpen2_64("", &functions);
}

static void archive_close(unzFile *zip)
{
    if (*zip)
        unzClose(*zip);
}

/* --- one file of the archive --------------------------------------------------------------- */

struct archive {
    unzFile zip;
    const struct unpack_sink *sink;
    size_t documents, others;
    uint64_t read, size;     /* of the open file: so far, and what the directory says */
    char name[NAME_BYTES];   /* of the open file, cut to fit */
    char unread[NAME_BYTES]; /* the first file that is no document */
};

static bool damaged(const struct archive *a, struct err *e)
{
    return err_set(e, ERR_REJECT, "bad_zip", "a damaged ZIP archive%s%.100s", *a->name ? ": " : "",
                   a->name);
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), size = strlen(end);
    return len >= size && !strcasecmp(name + len - size, end);
}

/* Directories, what macOS adds, and what makes a browser show a feed. */
static bool is_decoration(const char *name)
{
    static const char *const ends[] = {"/", ".xsl", ".xslt", ".css", ".DS_Store", "Thumbs.db"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_in(name, ends[i]))
            return true;
    return strstr(name, "__MACOSX/") == name;
}

/* ZIP archives that are one document to people. */
static bool is_office(const char *name)
{
    static const char *const ends[] = {".xlsx", ".xlsm", ".docx", ".pptx",
                                       ".ods",  ".odt",  ".odp",  ".kmz"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_in(name, ends[i]))
            return true;
    return false;
}

/* XML in UTF-8 or UTF-16; pages for people are told from it by their names. */
static bool is_xml(const char *name, const char *bytes, size_t len)
{
    if (ends_in(name, ".html") || ends_in(name, ".htm") || ends_in(name, ".svg"))
        return false;
    if (len >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2)))
        return ends_in(name, ".xml");
    if (len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        bytes += 3, len -= 3;
    while (len && (*bytes == '\0' || strchr(" \t\r\n", *bytes)))
        bytes++, len--;
    return len && *bytes == '<';
}

static bool read_piece(struct archive *a, char piece[PIECE_BYTES], size_t *ret_len, struct err *e)
{
    int got = unzReadCurrentFile(a->zip, piece, PIECE_BYTES);
    *ret_len = got > 0 ? (size_t)got : 0;
    a->read += *ret_len;
    /* minizip looks at a file's sum only where it is as long as it should be */
    return (got >= 0 && (got > 0 || a->read == a->size)) || damaged(a, e);
}

static bool read_document(struct archive *a, char piece[PIECE_BYTES], size_t len, struct err *e)
{
    const struct unpack_sink *sink = a->sink;
    if (a->documents++ && !sink->next(sink->context, e))
        return false;
    while (len > 0)
        if (!sink->bytes(sink->context, piece, len, e) || !read_piece(a, piece, &len, e))
            return false;
    return true;
}

static bool read_file(struct archive *a, struct err *e)
{
    char piece[PIECE_BYTES];
    size_t len;
    if (!read_piece(a, piece, &len, e))
        return false;
    bool is_archive = unzip_is_gzip(piece, len) || unzip_is_zip(piece, len);
    if (is_archive && !is_office(a->name))
        return err_set(e, ERR_REJECT, "nested_archive",
                       "the archive holds another one (%.100s): unpack it, and give what is in it",
                       a->name);
    if (!is_archive && is_xml(a->name, piece, len) && !espi_is_other_document(piece, len))
        return read_document(a, piece, len, e);
    if (!a->others++)
        memcpy(a->unread, a->name, sizeof a->unread);
    a->sink->unread(a->sink->context, a->name);
    return true;
}

static bool open_file(struct archive *a, struct err *e)
{
    unz_file_info64 info;
    memset(a->name, 0, sizeof a->name);
    if (unzGetCurrentFileInfo64(a->zip, &info, a->name, sizeof a->name - 1, NULL, 0, NULL, 0) !=
        UNZ_OK)
        return damaged(a, e);
    if (!strcmp(a->name, "[Content_Types].xml"))
        return err_set(e, ERR_REJECT, "xlsx",
                       "a workbook or another office document, not a feed: download the Green "
                       "Button data (XML) instead");
    if (is_decoration(a->name))
        return true;
    if (info.flag & FLAG_ENCRYPTED)
        return err_set(e, ERR_REJECT, "zip_encrypted", "%.100s in the archive is encrypted",
                       a->name);
    if (info.compression_method != METHOD_STORED && info.compression_method != Z_DEFLATED)
        return err_set(e, ERR_REJECT, "bad_zip", "%.100s is compressed by method %lu, not deflate",
                       a->name, (unsigned long)info.compression_method);
    a->read = 0;
    a->size = info.uncompressed_size;
    if (unzOpenCurrentFile(a->zip) != UNZ_OK)
        return damaged(a, e);
    bool right = read_file(a, e);
    /* a sum that does not agree is told here, of a file that was read to its end */
    return (unzCloseCurrentFile(a->zip) == UNZ_OK || !right || damaged(a, e)) && right;
}

/* --- all of it ----------------------------------------------------------------------------- */

static bool open_files(struct archive *a, struct err *e)
{
    int result = unzGoToFirstFile(a->zip);
    for (uint64_t i = 0; result == UNZ_OK; i++) {
        if (i == UNPACK_FILES)
            return err_set(e, ERR_REJECT, "too_many_files", "an archive of more than %d files",
                           UNPACK_FILES);
        if (!open_file(a, e))
            return false;
        result = unzGoToNextFile(a->zip);
    }
    return result == UNZ_END_OF_LIST_OF_FILE || damaged(a, e);
}

bool unzip_documents(FILE *archive, const struct unpack_sink *sink, struct err *e)
{
    unz_global_info64 info;
    unzFile zip CLEANUP(archive_close) = archive_open(archive);
    struct archive a = {.zip = zip, .sink = sink};
    /* one that is cut within its directory's end has 0 files to minizip */
    if (!zip || unzGetGlobalInfo64(zip, &info) != UNZ_OK || info.number_entry == 0)
        return damaged(&a, e);
    if (!open_files(&a, e))
        return false;
    if (a.documents)
        return true;
    return err_set(e, ERR_REJECT, "zip_without_feed",
                   a.others ? "an archive without a feed; it holds %.100s: download the Green "
                              "Button data (XML) instead"
                            : "an archive without a document%.100s",
                   a.unread);
}
