/* Compressed bodies: Celery's gzip (a zlib or gzip stream) and bzip2, never larger than a limit. */
#include "common/celery/decompress.h"

#include <bzlib.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "common/celery/codec.h"

enum {
    PIECE = 8192,
    WINDOW_EITHER = 15 + 32 /* zlib's word for: zlib or gzip, see for yourself */
};

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory to decompress a body");
}

static bool damaged(const char *what, size_t offset, struct err *e)
{
    return err_set(e, ERR_REJECT, "bad_compression", "%s at offset %zu", what, offset);
}

static bool inflate_all(z_stream *z, size_t len, struct buf *out, struct err *e)
{
    char piece[PIECE];
    int result = Z_OK;
    while (result == Z_OK) {
        z->next_out = (Bytef *)piece;
        z->avail_out = PIECE;
        result = inflate(z, Z_NO_FLUSH);
        if (!buf_append(out, piece, PIECE - z->avail_out, e))
            return false;
    }
    if (result == Z_MEM_ERROR)
        return no_memory(e);
    if (result == Z_BUF_ERROR) /* nothing left to read and nothing to write: the end is missing */
        return damaged("gzip: cut short", len, e);
    if (result != Z_STREAM_END)
        return damaged("gzip: damaged", len - z->avail_in, e);
    return z->avail_in == 0 || damaged("gzip: bytes after the end", len - z->avail_in, e);
}

static bool gunzip(const char *bytes, size_t len, struct buf *out, struct err *e)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)len};
    if (inflateInit2(&z, WINDOW_EITHER) != Z_OK)
        return no_memory(e);
    bool ok = inflate_all(&z, len, out, e);
    inflateEnd(&z);
    return ok;
}

static bool bunzip_all(bz_stream *bz, size_t len, struct buf *out, struct err *e)
{
    char piece[PIECE];
    int result = BZ_OK;
    while (result == BZ_OK) {
        bz->next_out = piece;
        bz->avail_out = PIECE;
        result = BZ2_bzDecompress(bz);
        if (!buf_append(out, piece, PIECE - bz->avail_out, e))
            return false;
        if (result == BZ_OK && bz->avail_in == 0 && bz->avail_out == PIECE)
            return damaged("bzip2: cut short", len, e);
    }
    if (result == BZ_MEM_ERROR)
        return no_memory(e);
    if (result != BZ_STREAM_END)
        return damaged("bzip2: damaged", len - bz->avail_in, e);
    return bz->avail_in == 0 || damaged("bzip2: bytes after the end", len - bz->avail_in, e);
}

static bool bunzip(const char *bytes, size_t len, struct buf *out, struct err *e)
{
    bz_stream bz = {.next_in = (char *)bytes, .avail_in = (unsigned)len};
    if (BZ2_bzDecompressInit(&bz, 0, 0) != BZ_OK)
        return no_memory(e);
    bool ok = bunzip_all(&bz, len, out, e);
    BZ2_bzDecompressEnd(&bz);
    return ok;
}

/* Names as kombu registers them. */
static const struct {
    const char *name;
    bool (*run)(const char *bytes, size_t len, struct buf *out, struct err *e);
} methods[] = {
    {"application/x-gzip", gunzip}, {"gzip", gunzip},  {"zlib", gunzip},
    {"application/x-bz2", bunzip},  {"bzip2", bunzip}, {"bzip", bunzip},
};

bool decompress(const char *compression, const char *bytes, size_t len, struct buf *out,
                struct err *e)
{
    char shown[CODEC_SHOWN];
    if (len > INT_MAX)
        return err_set(e, ERR_REJECT, "too_large", "%zu compressed bytes", len);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(methods[i].name, compression) == 0)
            return methods[i].run(bytes, len, out, e);
    return err_set(e, ERR_REJECT, "bad_compression", "\"%s\" is not known",
                   codec_shown(compression, shown));
}
