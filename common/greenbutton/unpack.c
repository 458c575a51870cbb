/* Bytes as they come, unpacked where they are gzip or a ZIP archive: the documents in it. */
#include "common/greenbutton/unpack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/greenbutton/unzip.h"

#define PIECE_BYTES 65536
#define MAGIC_BYTES 4
#define RATIO_FREE_BYTES (INT64_C(10) << 20)
#define GZIP_ONLY (15 + 16) /* zlib's word for: a gzip header, and the largest window */

struct unpack {
    struct unpack_limits limits;
    struct unpack_sink sink;
    char magic[MAGIC_BYTES]; /* the first bytes, until there are enough to tell */
    size_t magic_len;
    enum { NOT_KNOWN, PLAIN, GZIP, ZIP } is;
    int64_t packed, unpacked;
    bool in_member; /* of gzip: its end is still to come */
    z_stream z;
    FILE *archive;
};

bool unpack_open(const struct unpack_limits *limits, const struct unpack_sink *sink,
                 struct unpack **ret_unpack, struct err *e)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (!u)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
    u->limits = *limits;
    u->sink = *sink;
    *ret_unpack = u;
    return true;
}

void unpack_freep(struct unpack **u)
{
    if (!*u)
        return;
    if ((*u)->is == GZIP)
        inflateEnd(&(*u)->z);
    if ((*u)->archive)
        fclose((*u)->archive);
    free(*u);
    *u = NULL;
}

static bool too_large(const struct unpack *u, struct err *e)
{
    return err_set(e, ERR_REJECT, "feed_too_large", "more than feed.max_bytes (%" PRId64 ")",
                   u->limits.bytes);
}

static bool pass(struct unpack *u, const char *bytes, size_t len, struct err *e)
{
    u->unpacked += (int64_t)len;
    if (u->unpacked > u->limits.bytes)
        return too_large(u, e);
    if (u->is != PLAIN && u->unpacked > RATIO_FREE_BYTES &&
        u->unpacked / u->limits.ratio > u->packed)
        return err_set(e, ERR_REJECT, "feed_ratio",
                       "%" PRId64 " bytes became more than %" PRId64
                       " times as many (feed.max_ratio)",
                       u->packed, u->limits.ratio);
    return len == 0 || u->sink.bytes(u->sink.context, bytes, len, e);
}

/* --- gzip ------------------------------------------------------------------------------- */

/* One member's bytes as far as they are in u->z. */
static bool inflate_member(struct unpack *u, struct err *e)
{
    char piece[PIECE_BYTES];
    int result = Z_OK;
    while (result == Z_OK && (u->z.avail_in > 0 || u->z.avail_out == 0)) {
        u->z.next_out = (Bytef *)piece;
        u->z.avail_out = sizeof piece;
        result = inflate(&u->z, Z_NO_FLUSH);
        if (!pass(u, piece, sizeof piece - u->z.avail_out, e))
            return false;
    }
    u->in_member = result != Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ||
           err_set(e, ERR_REJECT, "bad_gzip", "damaged gzip before byte %" PRId64, u->packed);
}

static bool write_gzip(struct unpack *u, const char *bytes, size_t len, struct err *e)
{
    u->z.next_in = (Bytef *)bytes;
    u->z.avail_in = (uInt)len;
    while (u->z.avail_in > 0) {
        if (!u->in_member && inflateReset(&u->z) != Z_OK)
            return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
        u->in_member = true;
        if (!inflate_member(u, e))
            return false;
    }
    return true;
}

/* --- what it is -------------------------------------------------------------------------- */

static bool begin_gzip(struct unpack *u, struct err *e)
{
    if (inflateInit2(&u->z, GZIP_ONLY) != Z_OK)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
    u->is = GZIP;
    return true;
}

static bool begin_zip(struct unpack *u, struct err *e)
{
    u->archive = tmpfile();
    u->is = ZIP;
    return u->archive ||
           err_set(e, ERR_RETRY, "no_space", "no file to keep an archive in: %s", strerror(errno));
}

static bool begin(struct unpack *u, struct err *e)
{
    if (unzip_is_gzip(u->magic, u->magic_len))
        return begin_gzip(u, e);
    if (unzip_is_zip(u->magic, u->magic_len))
        return begin_zip(u, e);
    u->is = PLAIN;
    return true;
}

static bool write_known(struct unpack *u, const char *bytes, size_t len, struct err *e)
{
    u->packed += (int64_t)len;
    if (u->is == PLAIN)
        return pass(u, bytes, len, e);
    if (u->is == GZIP)
        return write_gzip(u, bytes, len, e);
    if (u->packed > u->limits.bytes)
        return too_large(u, e);
    return fwrite(bytes, 1, len, u->archive) == len ||
           err_set(e, ERR_RETRY, "no_space", "cannot keep an archive: %s", strerror(errno));
}

/* zlib counts in 32 bits, and a piece may be of any size. */
#define WRITE_BYTES (1u << 30)

bool unpack_write(struct unpack *u, const char *bytes, size_t len, struct err *e)
{
    while (u->is == NOT_KNOWN && len > 0) {
        u->magic[u->magic_len++] = *bytes++;
        len--;
        if (u->magic_len == MAGIC_BYTES &&
            (!begin(u, e) || !write_known(u, u->magic, u->magic_len, e)))
            return false;
    }
    while (len > 0) {
        size_t piece = len < WRITE_BYTES ? len : WRITE_BYTES;
        if (!write_known(u, bytes, piece, e))
            return false;
        bytes += piece;
        len -= piece;
    }
    return true;
}

/* --- the end ----------------------------------------------------------------------------- */

static bool zip_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    return pass(context, bytes, len, e);
}

static bool zip_next(void *context, struct err *e)
{
    struct unpack *u = context;
    return u->sink.next(u->sink.context, e);
}

static void zip_unread(void *context, const char *name)
{
    struct unpack *u = context;
    if (u->sink.unread)
        u->sink.unread(u->sink.context, name);
}

bool unpack_end(struct unpack *u, struct err *e)
{
    const struct unpack_sink documents = {
        .bytes = zip_bytes, .next = zip_next, .unread = zip_unread, .context = u};
    if (u->is == NOT_KNOWN && u->magic_len > 0 &&
        (!begin(u, e) || !write_known(u, u->magic, u->magic_len, e)))
        return false;
    if (u->is == GZIP && u->in_member)
        return err_set(e, ERR_REJECT, "feed_cut_off", "gzip without its end");
    return u->is != ZIP || unzip_documents(u->archive, &documents, e);
}
