/* libxml2's push parser, without its words: some go to no document's handler but to the thread's,
 * which would print them. */
#ifndef METERBEAT_ESPI_XML_H
#define METERBEAT_ESPI_XML_H

#include <libxml/parser.h>
#include <stdbool.h>

/* xmlParseChunk, and what it returns; on_error(context, ...) gets what is said meanwhile. */
int espi_xml_push(xmlParserCtxtPtr xml, const char *bytes, int len, bool is_end,
                  xmlStructuredErrorFunc on_error, void *context);

#endif
