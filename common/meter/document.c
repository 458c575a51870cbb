/* A Green Button document from a file or standard input, unpacked where it is gzip. */
#include "meter/document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define PIECE_BYTES 65536
#define GZIP_ONLY (15 + 16) /* zlib's word for: a gzip header, and the largest window */

struct document {
    const struct document_sink *sink;
    FILE *in;
    int64_t max_bytes, size;
    int64_t read, unpacked;
    bool is_gzip, in_member; /* in_member: within a member, whose end is still to come */
    z_stream z;
};

static bool document_pass(struct document *d, const char *bytes, size_t len, struct err *e)
{
    d->unpacked += (int64_t)len;
    if (d->unpacked > d->max_bytes)
        return err_set(e, ERR_REJECT, "feed_too_large", "more than feed.max_bytes (%" PRId64 ")",
                       d->max_bytes);
    return len == 0 || d->sink->bytes(d->sink->context, bytes, len, e);
}

/* One member's bytes as far as they are in d->z. */
static bool document_inflate(struct document *d, struct err *e)
{
    char piece[PIECE_BYTES];
    int result = Z_OK;
    while (result == Z_OK && (d->z.avail_in > 0 || d->z.avail_out == 0)) {
        d->z.next_out = (Bytef *)piece;
        d->z.avail_out = sizeof piece;
        result = inflate(&d->z, Z_NO_FLUSH);
        if (!document_pass(d, piece, sizeof piece - d->z.avail_out, e))
            return false;
    }
    d->in_member = result != Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ||
           err_set(e, ERR_REJECT, "bad_gzip", "damaged gzip before byte %" PRId64, d->read);
}

static bool document_unpack(struct document *d, char *bytes, size_t len, struct err *e)
{
    d->z.next_in = (Bytef *)bytes;
    d->z.avail_in = (uInt)len;
    while (d->z.avail_in > 0) {
        if (!d->in_member && inflateReset(&d->z) != Z_OK)
            return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
        d->in_member = true;
        if (!document_inflate(d, e))
            return false;
    }
    return true;
}

static bool document_piece(struct document *d, char *bytes, size_t len, struct err *e)
{
    if (d->read == 0 && len >= 2 && (unsigned char)bytes[0] == 0x1f &&
        (unsigned char)bytes[1] == 0x8b) {
        d->is_gzip = inflateInit2(&d->z, GZIP_ONLY) == Z_OK;
        if (!d->is_gzip)
            return err_set(e, ERR_RETRY, "no_memory", "no memory to unpack");
    }
    d->read += (int64_t)len;
    if (d->sink->at)
        d->sink->at(d->sink->context, d->read, d->size);
    return d->is_gzip ? document_unpack(d, bytes, len, e) : document_pass(d, bytes, len, e);
}

static bool document_all(struct document *d, struct err *e)
{
    char piece[PIECE_BYTES];
    for (size_t len; (len = fread(piece, 1, sizeof piece, d->in)) > 0;)
        if (!document_piece(d, piece, len, e))
            return false;
    if (ferror(d->in))
        return err_set(e, ERR_REJECT, "cannot_read", "%s", strerror(errno));
    return !d->in_member || err_set(e, ERR_REJECT, "feed_cut_off", "gzip without its end");
}

static int64_t document_size(FILE *in)
{
    struct stat s;
    return fstat(fileno(in), &s) == 0 && S_ISREG(s.st_mode) ? (int64_t)s.st_size : 0;
}

bool document_read(const char *name, int64_t max_bytes, const struct document_sink *sink,
                   struct err *e)
{
    bool is_standard = strcmp(name, "-") == 0;
    FILE *in = is_standard ? stdin : fopen(name, "rbe");
    if (!in)
        return err_set(e, ERR_REJECT, "cannot_open", "%s", strerror(errno));
    struct document d = {.sink = sink, .in = in, .max_bytes = max_bytes, .size = document_size(in)};
    bool ok = document_all(&d, e);
    if (d.is_gzip)
        inflateEnd(&d.z);
    if (!is_standard)
        fclose(in);
    return ok;
}
