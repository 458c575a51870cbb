/* Green Button documents from a file or standard input, unpacked where it is gzip or a ZIP archive.
 */
#include "common/greenbutton/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/greenbutton/unpack.h"

#define PIECE_BYTES 65536

static bool document_next(void *context, struct err *e)
{
    const struct document_sink *sink = context;
    return sink->next
               ? sink->next(sink->context, e)
               : err_set(e, ERR_REJECT, "several_documents", "an archive of several documents");
}

static bool document_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    const struct document_sink *sink = context;
    return sink->bytes(sink->context, bytes, len, e);
}

static void document_unread(void *context, const char *name)
{
    const struct document_sink *sink = context;
    if (sink->unread)
        sink->unread(sink->context, name);
}

static int64_t document_size(FILE *in)
{
    struct stat s;
    return fstat(fileno(in), &s) == 0 && S_ISREG(s.st_mode) ? (int64_t)s.st_size : 0;
}

static bool document_all(FILE *in, struct unpack *unpack, const struct document_sink *sink,
                         struct err *e)
{
    char piece[PIECE_BYTES];
    int64_t read = 0, size = document_size(in);
    for (size_t len; (len = fread(piece, 1, sizeof piece, in)) > 0;) {
        read += (int64_t)len;
        if (sink->at)
            sink->at(sink->context, read, size);
        if (!unpack_write(unpack, piece, len, e))
            return false;
    }
    if (ferror(in))
        return err_set(e, ERR_REJECT, "cannot_read", "%s", strerror(errno));
    return unpack_end(unpack, e);
}

bool document_read(const char *name, int64_t max_bytes, const struct document_sink *sink,
                   struct err *e)
{
    const struct unpack_limits limits = {.bytes = max_bytes, .ratio = UNPACK_RATIO};
    struct document_sink to = *sink;
    const struct unpack_sink documents = {
        .bytes = document_bytes, .next = document_next, .unread = document_unread, .context = &to};
    struct unpack *unpack CLEANUP(unpack_freep) = NULL;
    bool is_standard = strcmp(name, "-") == 0;
    FILE *in = is_standard ? stdin : fopen(name, "rbe");
    if (!in)
        return err_set(e, ERR_REJECT, "cannot_open", "%s", strerror(errno));
    bool ok = unpack_open(&limits, &documents, &unpack, e) && document_all(in, unpack, sink, e);
    if (!is_standard)
        fclose(in);
    return ok;
}
