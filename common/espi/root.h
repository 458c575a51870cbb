/* Which XML document bytes are the beginning of, by its root: archives hold others beside a feed.
 */
#ifndef METERBEAT_ESPI_ROOT_H
#define METERBEAT_ESPI_ROOT_H

#include <stdbool.h>
#include <stddef.h>

/* True where the root or the DOCTYPE is there and is none of Atom's or ESPI's: a page, a schema, a
 * list of files. False: a feed, or these bytes do not tell; then reading it does. */
bool espi_is_other_document(const char *bytes, size_t len);

#endif
