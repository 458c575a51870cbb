/* What the tests of the feed reader share: feeds read whole or in pieces, made into text to
 * compare. */
#ifndef METERBEAT_ESPI_TEST_H
#define METERBEAT_ESPI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/buf.h"
#include "common/espi/reader.h"

/* A feed in memory. */
struct body {
    char *bytes;
    size_t len;
};

/* What reading came to: the readings, one a line; the series and problems, one a line; or the
 * failure. */
struct outcome {
    struct buf readings;
    struct buf series;
    struct err e;
    bool right;
};

/* tests/data/feeds/NAME */
struct body body_of_file(const char *name);
struct body body_of_text(const char *text);
void body_free(struct body *b);

/* How large piece number i is to be; at is where it begins. */
typedef size_t piece_size(size_t i, size_t at, void *context);
struct outcome outcome_of_pieces(struct body b, piece_size *size, void *context,
                                 const struct espi_limits *limits);
struct outcome outcome_of(struct body b, const struct espi_limits *limits); /* in one piece */
void outcome_free(struct outcome *o);
/* Fails the running test unless the text is read as this error. */
void assert_refused(const char *text, size_t len, enum err_kind kind, const char *code);

#endif
