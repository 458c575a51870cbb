/* Reads the XML documents of a ZIP archive, one after the other. */
#ifndef METERBEAT_GREENBUTTON_UNZIP_H
#define METERBEAT_GREENBUTTON_UNZIP_H

#include <stdio.h>

#include "common/greenbutton/unpack.h"

/* Decides by the first bytes; `len` may be fewer than needed. */
bool unzip_is_gzip(const char *bytes, size_t len);
bool unzip_is_zip(const char *bytes, size_t len);

/*
 * Passes on each XML file of the archive, with sink.next before each but the first. Other files are
 * reported, except style sheets and files that systems add by themselves. The FILE may be at any
 * position. Errors: those of unpack_end for archives, ERR_REJECT "too_many_files", or the sink's.
 */
MUST_CHECK bool unzip_documents(FILE *archive, const struct unpack_sink *sink, struct err *e);

#endif
