/* Recognises files that utility portals offer beside Green Button, by their first bytes. Pure. */
#ifndef METERBEAT_ESPI_FOREIGN_H
#define METERBEAT_ESPI_FOREIGN_H

#include <stddef.h>

struct foreign {
    const char *code; /* "csv", "json", "pdf", "xls", "archive", "image", "rtf"; stable */
    const char *text; /* for people: the format, and what to download instead */
};

/* NULL: none of those. The first 512 bytes suffice. */
const struct foreign *foreign_of(const char *head, size_t len);
/* The same for an XML document, by its root: "xls" (an Office 2003 workbook). */
const struct foreign *foreign_of_root(const char *name, const char *uri);

#endif
