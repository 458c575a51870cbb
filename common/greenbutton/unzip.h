/* The XML documents of a ZIP archive, one after the other. */
#ifndef METERBEAT_GREENBUTTON_UNZIP_H
#define METERBEAT_GREENBUTTON_UNZIP_H

#include <stdio.h>

#include "common/greenbutton/unpack.h"

/* By the first bytes; `len` may be fewer than are needed. */
bool unzip_is_gzip(const char *bytes, size_t len);
bool unzip_is_zip(const char *bytes, size_t len);

/*
 * Passes on each file of the archive that is XML: sink.next before each but the first. Others are
 * told (style sheets, and what systems add by themselves, are not). The file may be read from
 * anywhere. Errors: those of unpack_end about archives, ERR_REJECT "too_many_files", or the sink's.
 */
MUST_CHECK bool unzip_documents(FILE *archive, const struct unpack_sink *sink, struct err *e);

#endif
