/* Recognises an XML document by its root element: archives contain others beside a feed. */
#ifndef METERBEAT_ESPI_ROOT_H
#define METERBEAT_ESPI_ROOT_H

#include <stdbool.h>
#include <stddef.h>

/* True if the root or the DOCTYPE is present and belongs to neither Atom nor ESPI: a page, a
 * schema, a list of files. False: it is a feed, or these bytes do not tell; reading it will. */
bool espi_is_other_document(const char *bytes, size_t len);

#endif
