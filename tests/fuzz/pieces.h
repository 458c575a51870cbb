/* What fuzz targets share that write one body in pieces of any size. */
#ifndef METERBEAT_FUZZ_PIECES_H
#define METERBEAT_FUZZ_PIECES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Each piece in memory of just its size: a byte too many is found. */
static bool write_pieces(bool (*write)(void *to, const char *bytes, size_t len, struct err *e),
                         void *to, const uint8_t *data, size_t size, size_t piece, struct err *e)
{
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        char *copy = malloc(len);
        require(copy, "memory");
        memcpy(copy, data + at, len);
        bool right = write(to, copy, len, e);
        free(copy);
        if (!right)
            return false;
    }
    return true;
}

#endif
