/* Any body as a feed may answer or a file may hold it: plain, gzip or a ZIP archive, whole or in
 * pieces, is unpacked to the same documents, or refused with a reason. */
#include "common/espi/reader.h"
#include "common/greenbutton/unpack.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_BYTES (1 << 20)

/* What a body came to. */
struct found {
    bool right;
    uint64_t bytes, digest, readings, documents, unread;
    struct espi *feed;
};

static bool take_reading(void *context, const struct espi_reading *r, struct err *e)
{
    (void)e;
    struct found *f = context;
    f->readings = (f->readings ^ (uint64_t)r->value) * 0x100000001b3u;
    return true;
}

static bool take_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    struct found *f = context;
    f->bytes += len;
    require(f->bytes <= MOST_BYTES, "no more bytes than the limit");
    for (size_t i = 0; i < len; i++)
        f->digest = (f->digest ^ (uint8_t)bytes[i]) * 0x100000001b3u;
    return espi_write(f->feed, bytes, len, e);
}

static bool take_next(void *context, struct err *e)
{
    struct found *f = context;
    f->documents++;
    return espi_next(f->feed, e);
}

static void take_unread(void *context, const char *name)
{
    struct found *f = context;
    f->unread++;
    require(strlen(name) < 256, "a name ends");
    espi_tell_unread(f->feed, name);
}

static bool write_piece(void *to, const char *bytes, size_t len, struct err *e)
{
    return unpack_write(to, bytes, len, e);
}

static struct found read_body(const uint8_t *data, size_t size, size_t piece)
{
    struct err e = {0};
    struct found f = {0};
    const struct unpack_limits limits = {.bytes = MOST_BYTES, .ratio = UNPACK_RATIO};
    const struct espi_sink readings = {.reading = take_reading, .context = &f};
    const struct unpack_sink sink = {
        .bytes = take_bytes, .next = take_next, .unread = take_unread, .context = &f};
    struct unpack *u CLEANUP(unpack_freep) = NULL;
    f.feed = espi_open(NULL, &readings, &e);
    require(f.feed && unpack_open(&limits, &sink, &u, &e), "a reader");
    f.right = write_pieces(write_piece, u, data, size, piece, &e) && unpack_end(u, &e) &&
              espi_finish(f.feed, &e) && espi_check_content(f.feed, &e);
    require(f.right || (e.kind != ERR_NONE && *e.code && *e.text), "a failure has a reason");
    espi_free(f.feed);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t piece = 1 + data[0];
    data++, size--;
    struct found whole = read_body(data, size, size ? size : 1);
    struct found pieces = read_body(data, size, piece);
    require(whole.right == pieces.right, "pieces change nothing");
    require(!whole.right || (whole.digest == pieces.digest && whole.readings == pieces.readings &&
                             whole.documents == pieces.documents && whole.unread == pieces.unread),
            "pieces change no byte");
    return 0;
}
