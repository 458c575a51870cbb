/* What a body is that is no feed, by its first bytes: the formats that portals offer beside Green
 * Button. Pure. */
#ifndef METERBEAT_ESPI_FOREIGN_H
#define METERBEAT_ESPI_FOREIGN_H

#include <stddef.h>

struct foreign {
    const char *code; /* "csv", "json", "pdf", "xls", "archive", "image", "rtf"; stable */
    const char *text; /* for people: what it is, and what to fetch instead */
};

/* NULL: none of those. The first 512 bytes are enough. */
const struct foreign *foreign_of(const char *head, size_t len);
/* The same of an XML document by its root: "xls" (a workbook of Office 2003). */
const struct foreign *foreign_of_root(const char *name, const char *uri);

#endif
