/* libxml2's push parser, silenced: some of its messages go not to the document's handler but to the
 * thread's, which would print them. */
#ifndef METERBEAT_ESPI_XML_H
#define METERBEAT_ESPI_XML_H

#include <libxml/parser.h>
#include <stdbool.h>

/* xmlParseChunk with its return value; on_error(context, ...) receives the messages. */
int espi_xml_push(xmlParserCtxtPtr xml, const char *bytes, int len, bool is_end,
                  xmlStructuredErrorFunc on_error, void *context);

#endif
